// Tokens on the real programs: who is let in, and that no secret shows up where it does not belong.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/system/running_daemon.hpp"

namespace replayd::testing {
namespace {

const std::string k_read(40, 'r');
const std::string k_ingest(40, 'i');
const std::string k_admin(40, 'a');
const std::string k_wrong(40, 'w');

class AccessTest : public ::testing::Test {
protected:
    AccessTest() {
        std::string config;
        for (const auto& [name, token] : {std::pair{"read", k_read}, {"ingest", k_ingest}, {"admin", k_admin}}) {
            secret(name, token);
            config += std::string("[[token]]\nname = '") + name + "-client'\nroles = ['" + name + "']\nfile = '" +
                      (directory_ / name) + "'\n";
        }
        write_file(directory_ / "replayd.toml", config);
    }

    void secret(const std::string& name, const std::string& text, mode_t mode = 0600) {
        write_file(directory_ / name, text + "\n");
        ASSERT_EQ(::chmod((directory_ / name).c_str(), mode), 0);
    }

    RunningDaemon start() {
        return RunningDaemon(directory_, {"--config", directory_ / "replayd.toml"});
    }

    static unsigned status(const RunningDaemon& daemon, const std::string& token, const std::string& method,
                           const std::string& target, const std::string& body = "") {
        net::Endpoint endpoint = daemon.endpoint();
        endpoint.token = token;
        const auto answer = net::http_request(endpoint, method, target, body);
        return answer ? answer->status : 0;
    }

    TemporaryDirectory directory_;
};

TEST_F(AccessTest, requests_and_websockets_need_a_token_with_the_role) {
    RunningDaemon daemon = start();
    EXPECT_EQ(status(daemon, "", "GET", "/healthz"), 200U);
    EXPECT_EQ(status(daemon, "", "GET", "/metrics"), 401U);
    EXPECT_EQ(status(daemon, k_wrong, "GET", "/metrics"), 401U);
    EXPECT_EQ(status(daemon, k_ingest, "GET", "/metrics"), 403U);
    EXPECT_EQ(status(daemon, k_read, "GET", "/metrics"), 200U);
    EXPECT_EQ(status(daemon, k_read, "POST", "/api/v1/query", R"({"sql":"SELECT 1"})"), 200U);
    EXPECT_EQ(status(daemon, k_read, "POST", "/api/v1/streams/x/end", "{}"), 403U);
    EXPECT_EQ(status(daemon, k_admin, "POST", "/api/v1/streams/x/end", "{}"), 404U);
    const auto opens = [&daemon](const std::string& token, const char* path, const char* protocol) {
        net::Endpoint endpoint = daemon.endpoint();
        endpoint.token = token;
        return net::WebSocketClient::connect(endpoint, path, protocol).has_value();
    };
    EXPECT_FALSE(opens("", "/live/v1", "replayd.live.v1"));
    EXPECT_FALSE(opens(k_ingest, "/live/v1", "replayd.live.v1"));
    EXPECT_TRUE(opens(k_read, "/live/v1", "replayd.live.v1"));
    EXPECT_FALSE(opens(k_wrong, "/ingest/v1", "replayd.v1"));
    EXPECT_FALSE(opens(k_read, "/ingest/v1", "replayd.v1"));
    EXPECT_TRUE(opens(k_ingest, "/ingest/v1", "replayd.v1"));
    daemon.terminate();
}

// After traffic with right and wrong tokens none is in the log, the metrics or the history.
TEST_F(AccessTest, replayctl_shows_the_token_and_no_token_is_ever_written_down) {
    RunningDaemon daemon = start();
    const std::string trace = directory_ / "t.jsonl";
    generate_trace(directory_, trace, 50);
    const auto stream = [&](const std::string& token_file) {
        return run_program(directory_, {program("replayctl"), "stream", trace, "--stream", "s", "--scenario",
                                        two_scenarios()[0], "--daemon", daemon.url(), "--token-file", token_file});
    };
    secret("wrong", k_wrong);
    secret("open", k_wrong, 0644);
    const Outcome wrong = stream(directory_ / "wrong");
    EXPECT_NE(wrong.status, 0);
    EXPECT_NE(wrong.errors.find("the token is unknown here"), std::string::npos) << wrong.errors;
    const Outcome open = stream(directory_ / "open");
    EXPECT_NE(open.status, 0);
    EXPECT_NE(open.errors.find("may be read by other users (mode 0644)"), std::string::npos) << open.errors;
    const Outcome reader = stream(directory_ / "read");
    EXPECT_NE(reader.errors.find("needs the role ingest: the token of \"read-client\" has read"), std::string::npos)
        << reader.errors;
    const Outcome right = stream(directory_ / "ingest");
    EXPECT_EQ(right.status, 0) << right.errors;
    net::Endpoint endpoint = daemon.endpoint();
    endpoint.token = k_read;
    const auto metrics = net::http_request(endpoint, "GET", "/metrics");
    ASSERT_TRUE(metrics);
    EXPECT_NE(metrics->body.find("replayd_refused_requests_total{reason=\"unauthenticated\"} 1"), std::string::npos);
    EXPECT_NE(metrics->body.find("replayd_refused_requests_total{reason=\"forbidden\"} 1"), std::string::npos);
    daemon.terminate();

    const std::string log = daemon.process().errors();
    EXPECT_NE(log.find("event=request_refused reason=unauthenticated"), std::string::npos) << log;
    std::vector<std::string> written = {log, metrics->body, wrong.errors, wrong.output, reader.errors, right.output};
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / "")) {
        const std::string path = entry.path().string();
        if (path.find("history.sqlite") != std::string::npos) written.push_back(read_file(path));
    }
    ASSERT_GE(written.size(), 7U);
    for (const std::string& text : written) {
        for (const std::string& token : {k_read, k_ingest, k_admin, k_wrong}) {
            EXPECT_EQ(text.find(token), std::string::npos) << text.substr(0, 2000);
        }
    }
}

// What the daemon does not start with, and the sentence that says how to mend it; status 2 for a wrong configuration.
TEST_F(AccessTest, a_start_that_would_let_others_in_is_refused) {
    secret("open", k_read, 0640);
    struct Case {
        std::vector<std::string> flags;
        std::string message;
    };
    const std::string db = directory_ / "h.sqlite";
    const std::vector<Case> cases = {
        {{"--listen", "0.0.0.0:0"},
         "listen address 0.0.0.0 can be reached from other machines: expected a loopback address such as 127.0.0.1, or "
         "a token that clients must show: a [[token]] table with name, roles and file, or --token-file FILE; a proxy "
         "in front has to end TLS"},
        {{"--listen", "[::]:0"}, "listen address :: can be reached from other machines"},
        {{"--listen", "127.0.0.1:0", "--token-file", directory_ / "open"},
         "the token of \"token-file\" " + (directory_ / "open") +
             " may be read by other users (mode 0640): expected 0600 or 0400; mend it with chmod 600"},
        {{"--listen", "127.0.0.1:0", "--config", directory_ / "replayd.toml", "--token-file", directory_ / "read"},
         "\"read-client\" and \"token-file\" have the same token: expected one of its own for each"},
    };
    for (const Case& wrong : cases) {
        std::vector<std::string> arguments = {program("replayd"), "--db", db};
        arguments.insert(arguments.end(), wrong.flags.begin(), wrong.flags.end());
        const Outcome outcome = run_program(directory_, arguments);
        EXPECT_EQ(outcome.status, 2) << outcome.errors;
        EXPECT_NE(outcome.errors.find(wrong.message), std::string::npos) << outcome.errors;
        EXPECT_FALSE(std::filesystem::exists(db)) << "nothing is made before the secrets are checked";
    }
}

// With a salt, nothing of the trace that could name a person or a prompt reaches the file, and replays stay the same.
TEST_F(AccessTest, with_a_salt_ids_are_nowhere_to_be_found) {
    secret("salt", std::string(40, 's'));
    const std::string config = directory_ / "salted.toml";
    write_file(config, "[privacy]\nid_salt_file = '" + (directory_ / "salt") + "'\n");
    RunningDaemon daemon(directory_, {"--config", config});
    const std::string trace = directory_ / "t.jsonl";
    std::string lines;
    for (int i = 0; i < 20; ++i) {
        lines += "{\"id\":\"alice-" + std::to_string(i) + "\",\"arrival_ns\":" + std::to_string(i * 1'000'000) +
                 ",\"prompt_tokens\":64,\"output_tokens\":4,\"conversation\":\"bob-" + std::to_string(i / 4) + "\"}\n";
    }
    write_file(trace, lines);
    const Outcome sent = run_program(directory_, {program("replayctl"), "stream", trace, "--stream", "s", "--scenario",
                                                  two_scenarios()[0], "--daemon", daemon.url(), "--wait"});
    ASSERT_EQ(sent.status, 0) << sent.errors;
    const std::string metrics = daemon.ask("GET", "/metrics").body;
    daemon.terminate();
    std::string written = daemon.process().errors() + metrics;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / "")) {
        const std::string path = entry.path().string();
        if (path.find("history.sqlite") != std::string::npos) written += read_file(path);
    }
    EXPECT_EQ(written.find("alice-"), std::string::npos);
    EXPECT_EQ(written.find("bob-"), std::string::npos);
    EXPECT_EQ(written.find(std::string(40, 's')), std::string::npos);
    const auto rows = query(directory_, daemon.db(), "SELECT count(DISTINCT id), count(*) FROM request");
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].as_array()[0], 20);
    EXPECT_EQ(rows[0].as_array()[1], 20);
}

// With a token the daemon may listen for others.
TEST_F(AccessTest, with_a_token_it_listens_on_every_address) {
    const std::string port_file = directory_ / "any-port";
    Process process({program("replayd"), "--listen", "0.0.0.0:0", "--db", directory_ / "h.sqlite", "--port-file",
                     port_file, "--token-file", directory_ / "admin"},
                    directory_ / "any");
    ASSERT_TRUE(wait_until("replayd listens", [&] { return !read_file(port_file).empty() || !process.running(); }));
    ASSERT_TRUE(process.running()) << process.errors();
    net::Endpoint endpoint{"127.0.0.1", static_cast<std::uint16_t>(std::stoi(read_file(port_file)))};
    EXPECT_EQ(net::http_request(endpoint, "GET", "/version")->status, 401U);
    endpoint.token = k_admin;
    EXPECT_EQ(net::http_request(endpoint, "GET", "/version")->status, 200U);
    process.signal(SIGTERM);
    EXPECT_EQ(process.wait(), 0);
}

}  // namespace
}  // namespace replayd::testing
