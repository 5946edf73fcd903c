// The daemon is killed in the middle of a stream and started again; the client goes on by itself. At the end hashes
// and rows must be those of an undisturbed replay: nothing acknowledged missing, nothing double. The client reads the
// trace from a pipe that the test fills bit by bit, so that it can never be through before the kill, on any machine.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>

#include <boost/json/parse.hpp>

#include "tests/system/history_checks.hpp"
#include "tests/system/running_daemon.hpp"

namespace replayd::testing {
namespace {

namespace json = boost::json;

constexpr int k_requests = 4'000;
constexpr int k_kills = 8;
constexpr const char* k_stream = "disturbed";

/// A trace, what an undisturbed replay makes of it, and a daemon to be disturbed.
class KillTest : public ::testing::Test {
protected:
    void SetUp() override {
        generate_trace(directory_, trace_, k_requests);
        text_ = read_file(trace_);
        ASSERT_EQ(std::count(text_.begin(), text_.end(), '\n'), k_requests);
        const std::string undisturbed = directory_ / "undisturbed.sqlite";
        hashes_ = replay_hashes(directory_, trace_, undisturbed, program("replayctl"));
        sums_ = row_sums(directory_, undisturbed, "undisturbed");
        daemon_ = std::make_unique<RunningDaemon>(directory_);
    }

    /// Starts `replayctl stream INPUT --wait`.
    void start_client(const std::string& input, const std::vector<std::string>& options) {
        std::vector<std::string> arguments = {program("replayctl"), "stream",   input,          "--stream",
                                              k_stream,             "--daemon", daemon_->url(), "--wait",
                                              "--json",             "--retry",  "170s"};
        for (const std::string& scenario : two_scenarios()) arguments.insert(arguments.end(), {"--scenario", scenario});
        arguments.insert(arguments.end(), options.begin(), options.end());
        const std::string output = directory_ / ("client-" + std::to_string(++clients_));
        client_ = std::make_unique<Process>(arguments, output, input == "-");
    }

    /// Gives the client the next part of the trace, the `part`-th of `parts`.
    void feed(int part, int parts) {
        const int wanted = k_requests / parts;
        std::size_t end = fed_bytes_;
        for (int line = 0; line < wanted || (part == parts - 1 && end < text_.size()); ++line) {
            end = text_.find('\n', end) + 1;
        }
        client_->write(text_.substr(fed_bytes_, end - fed_bytes_));
        fed_bytes_ = end;
    }

    /// Feeds a part, waits until half of it is durable, and lets `disturb` happen; what was durable before must be
    /// afterwards.
    void disturb_in_the_middle(int part, int parts, const std::function<void()>& disturb) {
        feed(part, parts);
        const std::int64_t wanted = k_requests / parts * part + k_requests / parts / 2;
        ASSERT_TRUE(wait_until("half of the part is durable", [&] {
            return daemon_->arrivals(k_stream) >= wanted || !client_->running();
        }));
        ASSERT_TRUE(client_->running()) << client_->errors();
        const std::int64_t acked = daemon_->arrivals(k_stream);
        ASSERT_LT(acked, k_requests);
        disturb();
        EXPECT_GE(daemon_->arrivals(k_stream), acked);
    }

    void restart_after_kill() {
        daemon_->kill();
        daemon_->start();
    }

    /// The client must end well, and the history must be as if nothing had happened.
    void expect_undisturbed(std::int64_t reconnects_min) {
        client_->close_input();
        ASSERT_EQ(client_->wait(), 0) << client_->errors() << "\n" << daemon_->process().errors();
        const json::value said = json::parse(client_->output());
        EXPECT_EQ(said.at("arrivals").as_int64(), k_requests);
        EXPECT_GE(said.at("reconnects").as_int64(), reconnects_min) << client_->errors();
        EXPECT_EQ(stored_hashes(directory_, daemon_->db(), k_stream), hashes_);
        expect_complete(directory_, daemon_->db(), k_stream, k_requests);
        EXPECT_EQ(row_sums(directory_, daemon_->db(), k_stream), sums_);
        daemon_->terminate();
    }

    TemporaryDirectory directory_;
    std::unique_ptr<RunningDaemon> daemon_;
    std::unique_ptr<Process> client_;
    Hashes hashes_;
    std::string sums_;

private:
    const std::string trace_ = directory_ / "trace.jsonl";
    std::string text_;
    std::size_t fed_bytes_ = 0;
    int clients_ = 0;

protected:
    [[nodiscard]] const std::string& trace() const { return trace_; }
};

// Small protobuf frames, so that many are on their way at each kill; every second start is killed while it recovers.
TEST_F(KillTest, kill_9_in_the_middle_of_a_stream_loses_and_doubles_nothing) {
    start_client("-", {"--batch", "7"});
    for (int part = 0; part < k_kills; ++part) {
        ASSERT_NO_FATAL_FAILURE(disturb_in_the_middle(part, k_kills + 1, [this, part] {
            restart_after_kill();
            if (part % 2 == 1) restart_after_kill();
        }));
    }
    feed(k_kills, k_kills + 1);
    expect_undisturbed(k_kills);
}

// The same with text frames of a hundred arrivals.
TEST_F(KillTest, kill_9_between_json_frames_loses_and_doubles_nothing) {
    start_client("-", {"--batch", "100", "--json-frames"});
    for (int part = 0; part < 3; ++part) {
        ASSERT_NO_FATAL_FAILURE(disturb_in_the_middle(part, 4, [this] { restart_after_kill(); }));
    }
    feed(3, 4);
    expect_undisturbed(3);
}

// SIGTERM drains: the daemon ends with status 0 while the client is connected, and the client comes back.
TEST_F(KillTest, sigterm_in_the_middle_of_a_stream_loses_and_doubles_nothing) {
    start_client("-", {"--batch", "7"});
    for (int part = 0; part < 3; ++part) {
        ASSERT_NO_FATAL_FAILURE(disturb_in_the_middle(part, 4, [this] {
            daemon_->terminate();
            daemon_->start();
        }));
    }
    feed(3, 4);
    expect_undisturbed(3);
}

// The whole trace is durable and ended, but at a thousandth of real time the runs have hardly begun: the kill meets
// paced runs only. The client waits through it, and full speed afterwards finishes them.
TEST_F(KillTest, kill_9_after_the_end_of_a_paced_stream_finishes_its_runs) {
    start_client(trace(), {"--speed", "0.001"});
    const std::string target = std::string("/api/v1/streams/") + k_stream;
    ASSERT_TRUE(wait_until("the stream has ended", [&] {
        return daemon_->arrivals(k_stream) == k_requests && daemon_->get(target).at("ended").as_bool();
    }));
    restart_after_kill();
    const json::value recovered = daemon_->get(target);
    EXPECT_EQ(recovered.at("state").as_string(), "ended");
    EXPECT_EQ(recovered.at("arrivals").as_int64(), k_requests);
    EXPECT_EQ(recovered.at("speed").to_number<double>(), 0.001);
    daemon_->post(target + "/speed", R"({"speed": 0})");
    expect_undisturbed(0);
}

// A pause outlives the kill, and so does what was acknowledged under it.
TEST_F(KillTest, a_paused_stream_is_paused_after_a_kill) {
    start_client("-", {"--batch", "50"});
    const std::string target = std::string("/api/v1/streams/") + k_stream;
    ASSERT_NO_FATAL_FAILURE(disturb_in_the_middle(0, 2, [&] {
        daemon_->post(target + "/pause");
        restart_after_kill();
    }));
    EXPECT_EQ(daemon_->get(target).at("state").as_string(), "paused");
    daemon_->post(target + "/resume");
    feed(1, 2);
    expect_undisturbed(1);
}

// The client is killed instead; called again with the same words it goes on where the log ends.
TEST_F(KillTest, a_killed_client_resumes_when_it_is_started_again) {
    start_client("-", {"--batch", "7"});
    ASSERT_NO_FATAL_FAILURE(disturb_in_the_middle(0, 2, [this] {
        client_->signal(SIGKILL);
        EXPECT_EQ(client_->wait(), 128 + SIGKILL);
    }));
    start_client(trace(), {"--batch", "7"});
    expect_undisturbed(0);
}

// A history of finished streams is only read at the next start, whichever way the daemon went down.
TEST_F(KillTest, finished_runs_stay_as_they_are_after_a_kill) {
    start_client(trace(), {});
    ASSERT_EQ(client_->wait(), 0) << client_->errors();
    restart_after_kill();
    EXPECT_EQ(daemon_->get(std::string("/api/v1/streams/") + k_stream).at("state").as_string(), "finished");
    expect_undisturbed(0);
}

}  // namespace
}  // namespace replayd::testing
