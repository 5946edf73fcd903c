// `replayctl stream` and the other commands against a real daemon in this process.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <memory>
#include <thread>

#include <boost/json.hpp>

#include "daemon/app/app.hpp"
#include "daemon/net/client.hpp"
#include "tests/daemon/replayctl/replayctl_process.hpp"
#include "tests/free_port.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

class Streamed : public testing::Test {
protected:
    void SetUp() override {
        const Said said = run_replayctl({"generate", trace_, "--count", "3000", "--rate", "40", "--prompt-max", "300",
                                         "--output-max", "40", "--seed", "11"});
        ASSERT_EQ(said.status, 0) << said.err;
        const Said replayed =
            run_replayctl({"replay", trace_, "--scenario", scenario_, "llama-3.1-8b-h100-pd", "--json"});
        ASSERT_EQ(replayed.status, 0) << replayed.err;
        expected_ = hashes(json::parse(replayed.out));
        start();
    }
    void TearDown() override { app_.reset(); }

    /// Starts the daemon on its history, always on the same port.
    void start() {
        config::DaemonConfig config;
        config.listen_port = port_;
        config.history_path = folder_.path("history.db");
        config.scenario_files = {scenario_};
        config.backlog_arrivals_max = backlog_max_;
        config.log_level = config::LogLevel::error;
        auto app = app::App::start(config);
        ASSERT_TRUE(app) << app.error().message;
        app_ = std::move(*app);
    }
    std::int64_t backlog_max_ = 200'000;
    [[nodiscard]] std::string daemon() const { return "http://127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] Said stream(const std::string& name, std::vector<std::string> more = {}) const {
        std::vector<std::string> arguments = {"stream", trace_, "--stream", name, "--scenario", "small",
                                              "llama-3.1-8b-h100-pd", "--daemon", daemon()};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run_replayctl(arguments);
    }
    static std::vector<std::string> hashes(const json::value& result) {
        std::vector<std::string> all;
        for (const json::value& run : result.at("runs").as_array()) all.emplace_back(run.at("hash").as_string());
        return all;
    }
    [[nodiscard]] std::string csv(const std::string& sql) const {
        const Said said = run_replayctl({"query", sql, "--daemon", daemon(), "--csv"});
        EXPECT_EQ(said.status, 0) << said.err;
        return said.out.substr(said.out.find('\n') + 1);
    }
    /// Arrivals of the stream that the daemon has; 0 while it knows none.
    [[nodiscard]] std::int64_t durable(const std::string& name) const {
        const auto answer = net::http_request({"127.0.0.1", port_}, "GET", "/api/v1/streams/" + name);
        if (!answer || answer->status != 200) return 0;
        return json::parse(answer->body).at("arrivals").to_number<std::int64_t>();
    }

    files::TemporaryFolder folder_;
    std::string trace_ = folder_.path("t.jsonl");
    std::string scenario_ = folder_.holding("small.toml", k_small_scenario);
    std::vector<std::string> expected_;
    std::unique_ptr<app::App> app_;
    const std::uint16_t port_ = free_port();
};

// The daemon gives credit for 50 arrivals at a time, batches have 1,000: the client cuts them instead of waiting for
// ever.
TEST_F(Streamed, batches_larger_than_the_credit_are_cut) {
    app_.reset();
    backlog_max_ = 50;
    start();
    const Said said = stream("cut", {"--batch", "1000", "--wait", "--json"});
    ASSERT_EQ(said.status, 0) << said.err;
    EXPECT_EQ(hashes(json::parse(said.out)), expected_);
    EXPECT_EQ(csv("SELECT max(arrivals) <= 50, sum(arrivals) FROM arrival_batch"), "1,3000\n");
}

// However the trace is cut and encoded, the daemon's runs are those of `replayctl replay`, with one row per arrival.
TEST_F(Streamed, gives_the_hashes_of_a_replay_for_every_batch_size_and_encoding) {
    struct Case {
        std::string name;
        std::vector<std::string> options;
    };
    for (const Case& c :
         {Case{"by-1000", {}}, Case{"by-7", {"--batch", "7"}}, Case{"by-1", {"--batch", "1", "--limit", "3000"}},
          Case{"json", {"--json-frames", "--batch", "100"}}}) {
        std::vector<std::string> options = c.options;
        options.insert(options.end(), {"--wait", "--json"});
        const Said said = stream(c.name, options);
        ASSERT_EQ(said.status, 0) << said.err;
        const json::value result = json::parse(said.out);
        EXPECT_EQ(hashes(result), expected_) << c.name;
        EXPECT_EQ(result.at("sent_arrivals").to_number<int>(), 3000);
        EXPECT_TRUE(result.at("ended").as_bool());
    }
    EXPECT_EQ(csv("SELECT count(*) AS rows, count(DISTINCT sequence) FROM request GROUP BY run_id"),
              "3000,3000\n3000,3000\n3000,3000\n3000,3000\n3000,3000\n3000,3000\n3000,3000\n3000,3000\n");
}

// A file that grows while it is followed, and a follower that is killed and started again: each arrival is in the
// stream once.
TEST_F(Streamed, follows_a_growing_file_over_a_kill_without_loss_or_duplicates) {
    std::ifstream whole(trace_);
    std::vector<std::string> lines;
    for (std::string line; std::getline(whole, line);) lines.push_back(line + "\n");
    const std::string log = folder_.path("log.jsonl");
    std::ofstream growing(log);
    const auto write = [&](std::size_t from, std::size_t to) {
        for (std::size_t i = from; i < to; ++i) growing << lines[i];
        growing.flush();
    };
    const std::vector<std::string> follow = {
        "follow", log, "--stream", "followed", "--scenario", "small", "llama-3.1-8b-h100-pd", "--daemon", daemon()};
    std::size_t written = 500;
    write(0, written);
    // Killed when 1,500 have come, some of which were written while it was running.
    (void)run_replayctl_until(follow, [&] {
        const std::int64_t there = durable("followed");
        if (there >= static_cast<std::int64_t>(written) && written < 1'500) {
            write(written, written + 500);
            written += 500;
        }
        return there >= 1'500;
    });
    EXPECT_EQ(durable("followed"), 1'500);
    write(written, lines.size());
    std::vector<std::string> rest = follow;
    rest.insert(rest.end(), {"--once", "--end", "--wait", "--json"});
    const Said said = run_replayctl(rest);
    ASSERT_EQ(said.status, 0) << said.err;
    const json::value result = json::parse(said.out);
    EXPECT_EQ(hashes(result), expected_);
    EXPECT_EQ(result.at("skipped_arrivals").to_number<int>(), 1'500);
    EXPECT_EQ(result.at("sent_arrivals").to_number<int>(), 1'500);
    EXPECT_EQ(durable("followed"), 3'000);
}

// Without --wait people get one line, with it the runs beside each other.
TEST_F(Streamed, tells_what_was_sent) {
    const Said said = stream("s", {"--wait"});
    ASSERT_EQ(said.status, 0) << said.err;
    EXPECT_EQ(said.out.substr(0, 42), "s: 3,000 arrivals sent and acknowledged in") << said.out;
    EXPECT_NE(said.out.find("; the stream has 3,000 arrivals and has ended\n"), std::string::npos) << said.out;
    EXPECT_NE(said.out.find(expected_[0]), std::string::npos) << said.out;
}

// A second client goes on where the first stopped, whatever its batch size.
TEST_F(Streamed, resumes_behind_what_is_durable) {
    ASSERT_EQ(stream("s", {"--limit", "1234", "--no-end", "--batch", "100"}).status, 0);
    const Said said = stream("s", {"--batch", "7", "--wait", "--json"});
    ASSERT_EQ(said.status, 0) << said.err;
    const json::value result = json::parse(said.out);
    EXPECT_EQ(result.at("skipped_arrivals").to_number<int>(), 1234);
    EXPECT_EQ(result.at("sent_arrivals").to_number<int>(), 3000 - 1234);
    EXPECT_EQ(hashes(result), expected_);
}

// Sending a whole trace again changes nothing and is no error: a script may simply be run again.
TEST_F(Streamed, sends_nothing_twice) {
    ASSERT_EQ(stream("s").status, 0);
    const Said said = stream("s", {"--wait", "--json"});
    ASSERT_EQ(said.status, 0) << said.err;
    EXPECT_EQ(json::parse(said.out).at("sent_arrivals").to_number<int>(), 0);
    EXPECT_EQ(hashes(json::parse(said.out)), expected_);
}

// The daemon goes down in the middle and comes back on the same port: the command reconnects, and the result is the
// undisturbed one. The trace comes from a pipe whose second half is written after the restart, so that no client is
// through before it.
TEST_F(Streamed, survives_a_restart_of_the_daemon) {
    const std::string text = files::contents(trace_);
    const std::size_t half = text.find('\n', text.size() / 2) + 1;
    const std::string pipe = folder_.path("pipe.jsonl");
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    Said said;
    std::thread client([&] {
        said = run_replayctl({"stream", "-", "--stream", "s", "--scenario", "small", "llama-3.1-8b-h100-pd", "--daemon",
                              daemon(), "--batch", "1", "--wait", "--json"}, {}, pipe);
    });
    {
        std::ofstream trace(pipe);
        trace << text.substr(0, half) << std::flush;
        while (durable("s") < 300) std::this_thread::yield();
        app_.reset();
        start();
        trace << text.substr(half);
    }
    client.join();
    ASSERT_EQ(said.status, 0) << said.err;
    const json::value result = json::parse(said.out);
    EXPECT_GE(result.at("reconnects").to_number<int>(), 1);
    EXPECT_EQ(result.at("arrivals").to_number<int>(), 3000);
    EXPECT_EQ(hashes(result), expected_);
    EXPECT_EQ(csv("SELECT count(*) FROM request GROUP BY run_id"), "3000\n3000\n");
}

// Another trace under the name of a stream is refused before anything is sent.
TEST_F(Streamed, refuses_another_trace_for_the_stream) {
    ASSERT_EQ(stream("s", {"--limit", "100", "--no-end"}).status, 0);
    const std::string other = folder_.path("other.jsonl");
    ASSERT_EQ(run_replayctl({"generate", other, "--count", "50", "--rate", "1"}).status, 0);
    const Said said = run_replayctl({"stream", other, "--stream", "s", "--daemon", daemon()});
    EXPECT_EQ(said.status, 1);
    EXPECT_EQ(said.err, "replayctl: the stream holds 100 arrivals, but this trace has 50: is it another trace? Choose "
                        "another --stream\n");
    EXPECT_EQ(durable("s"), 100);
}

TEST_F(Streamed, refuses_to_go_on_behind_the_end) {
    ASSERT_EQ(stream("s", {"--limit", "100"}).status, 0);
    const Said said = stream("s");
    EXPECT_EQ(said.status, 1);
    EXPECT_EQ(said.err, "replayctl: the stream has ended with 100 arrivals, but this trace goes on: is it another "
                        "trace? Choose another --stream\n");
}

// The stream goes on with the scenarios that it was created with; that another was asked for is not passed over.
TEST_F(Streamed, tells_of_a_scenario_that_a_known_stream_does_not_replay) {
    const Said first = stream("s", {"--no-end"});
    EXPECT_EQ(first.err, "");
    const Said second = run_replayctl({"stream", trace_, "--stream", "s", "--scenario", "small",
                                       "llama-3.1-8b-h100-mixed", "--daemon", daemon()});
    EXPECT_EQ(second.status, 0);
    EXPECT_EQ(second.err,
              "note: stream s was there before and has no run of \"llama-3.1-8b-h100-mixed\": POST "
              "/api/v1/streams/s/runs adds one, or send to a stream of another name\n");
}

// A wrong trace is told before the daemon hears of the stream, which would stay behind, without arrivals and for ever.
TEST_F(Streamed, a_wrong_trace_creates_no_stream) {
    for (const std::string& wrong : {folder_.path("none"), folder_.holding("empty", ""),
                                     folder_.holding("notes", "hi\n"), folder_.path("")}) {
        const Said said =
            run_replayctl({"stream", wrong, "--stream", "s", "--scenario", "small", "--daemon", daemon()});
        EXPECT_EQ(said.status, 2) << said.err;
        EXPECT_EQ(net::http_request({"127.0.0.1", port_}, "GET", "/api/v1/streams/s")->status, 404U) << wrong;
    }
}

// What the daemon refuses is told with its own words and the status of bad input.
TEST_F(Streamed, tells_the_daemon_s_refusal) {
    const Said said = run_replayctl({"stream", trace_, "--stream", "s", "--scenario", "smal", "--daemon", daemon()});
    EXPECT_EQ(said.status, 2);
    EXPECT_EQ(said.err, "replayctl: no scenario \"smal\"; did you mean \"small\"?\n");
    const Said none = run_replayctl({"stream", trace_, "--stream", "s", "--daemon", daemon()});
    EXPECT_EQ(none.status, 2);
    EXPECT_EQ(none.err, "replayctl: stream \"s\" does not exist and no scenarios were named: expected one or more "
                        "scenarios to create it with\n");
}

// The same commands read a daemon and its history file, and agree.
TEST_F(Streamed, asks_the_daemon_as_it_asks_a_file) {
    ASSERT_EQ(stream("s", {"--wait"}).status, 0);
    const std::string db = folder_.path("history.db");
    for (const std::vector<std::string>& question :
         {std::vector<std::string>{"runs", "--json"},
          {"explain", "17"},
          {"at", "1", "20s"},
          {"at", "2", "--json"},
          {"bisect", "1", "2"},
          {"bisect", "2", "1", "--json"},
          {"query", "SELECT count(*), sum(output_tokens) FROM request", "--csv"}}) {
        std::vector<std::string> of_daemon = question;
        of_daemon.insert(of_daemon.end(), {"--daemon", daemon()});
        std::vector<std::string> of_file = question;
        of_file.insert(of_file.end(), {"--db", db});
        const Said from_daemon = run_replayctl(of_daemon);
        ASSERT_EQ(from_daemon.status, 0) << from_daemon.err;
        if (question.front() == "runs") {
            EXPECT_EQ(hashes(json::object{{"runs", json::parse(from_daemon.out).at("items")}}),
                      hashes(json::object{{"runs", json::parse(run_replayctl(of_file).out).at("items")}}));
        } else {
            EXPECT_EQ(from_daemon.out, run_replayctl(of_file).out);
        }
    }
    const Said said = run_replayctl({"query", "SELECT absent FROM request", "--daemon", daemon()});
    EXPECT_EQ(said.status, 2);
    EXPECT_EQ(said.err, "replayctl: SQL error at character 8: no such column: absent\n");
}

// A stream that is not known, and a path the API does not have, come as the daemon tells them.
TEST_F(Streamed, says_that_a_request_is_unknown) {
    const Said said = run_replayctl({"explain", "nobody", "--daemon", daemon()});
    EXPECT_EQ(said.status, 2);
    EXPECT_EQ(said.out, "");
    EXPECT_NE(said.err.find("\"nobody\""), std::string::npos) << said.err;
}

}  // namespace
}  // namespace replayd::ctl
