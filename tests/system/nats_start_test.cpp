// How a replayd begins with `[nats]`: a server that is not there, streams and logs that it does not share, TLS, users.

#include <sys/stat.h>

#include "tests/system/nats_server.hpp"
#include "tests/system/shared_streams.hpp"

namespace replayd::testing {
namespace {

/// A start of replayd that must fail.
Outcome failed_start(const TemporaryDirectory& directory, const std::string& config) {
    const Outcome outcome = run_program(directory, {program("replayd"), "--listen", "127.0.0.1:0", "--db",
                                                    directory / "refused.sqlite", "--config", config});
    EXPECT_NE(outcome.status, 0);
    return outcome;
}

TEST(NatsStart, a_server_that_does_not_answer_is_one_clear_message) {
    TemporaryDirectory directory;
    TemporaryDirectory server_directory;
    NatsServer server(server_directory);
    server.kill();
    const Outcome outcome = failed_start(directory, nats_config(directory, server.url(), "lonely"));
    EXPECT_EQ(outcome.status, 1);
    EXPECT_NE(outcome.errors.find("replayd: nats.servers: cannot connect to " + server.url() + ": "), std::string::npos)
        << outcome.errors;
    EXPECT_NE(
        outcome.errors.find("; start nats-server there with JetStream (nats-server -js), mend nats.servers, or leave "
                            "[nats] out to share no streams"),
        std::string::npos)
        << outcome.errors;
}

// One that is over needs no sharing, and no line.
TEST(NatsStart, a_stream_that_began_before_is_named_with_the_way_to_share) {
    TemporaryDirectory home;
    TemporaryDirectory server_directory;
    {
        RunningDaemon alone(home);
        for (const std::string name : {"goes_on", "over"}) {
            alone.post("/api/v1/streams", R"({"name":")" + name + R"(","scenarios":["llama-3.1-8b-h100-mixed"]})");
        }
        alone.post("/api/v1/streams/over/end");
        ASSERT_TRUE(
            wait_until("it is over", [&] { return alone.get("/api/v1/streams/over").at("state") == "finished"; }));
        alone.terminate();
    }
    const NatsServer server(server_directory);
    RunningDaemon shares(home, {"--config", nats_config(home, server.url(), "node")});
    shares.terminate();
    const std::string errors = shares.process().errors();
    EXPECT_NE(errors.find(" level=warning event=stream_not_shared stream=goes_on why=\"it began before [nats] was "
                          "switched on, and stays with this process\" "
                          "remedy=\"send on to a stream of another name: new ones are shared\"\n"),
              std::string::npos)
        << errors;
    EXPECT_EQ(errors.find("event=stream_not_shared stream=over"), std::string::npos) << errors;
}

// Something else, or a later version, wrote under our prefix: that log is named once, and the streams beside it go on.
TEST(NatsStart, a_log_that_is_none_of_ours_is_passed_over) {
    TemporaryDirectory home;
    TemporaryDirectory elsewhere;
    TemporaryDirectory server_directory;
    const NatsServer server(server_directory);
    RunningDaemon first(home, {"--config", nats_config(home, server.url(), "first")});
    server.publish("$JS.API.STREAM.CREATE.replayd-log-alien",
                   R"({"name":"replayd-log-alien","subjects":["replayd.log.alien"],"storage":"file"})");
    ASSERT_TRUE(wait_until("the log is named", [&] {
        server.publish("replayd.log.alien", "not an opening");  // again, for the log may not have been made yet
        return ::testing::Test::HasFatalFailure() ||
               first.process().errors().find("event=shared_log_unreadable stream=alien") != std::string::npos;
    }));
    first.post("/api/v1/streams", R"({"name":"ours","scenarios":["llama-3.1-8b-h100-mixed"]})");
    const RunningDaemon second(elsewhere, {"--config", nats_config(elsewhere, server.url(), "second")});
    EXPECT_TRUE(wait_until("the second process joins ours", [&] {
        const boost::json::value streams = second.get("/api/v1/streams").at("items");
        return streams.as_array().size() == 1 && streams.at(0).at("name") == "ours";
    }));
}

// A name says little: another process may have opened a stream of that name in the shared log.
class NatsName : public ::testing::Test {
protected:
    void begin(bool end) {
        RunningDaemon alone(home_);
        alone.post("/api/v1/streams", k_body);
        if (end) {
            alone.post("/api/v1/streams/twice/end");
            ASSERT_TRUE(wait_until("it is over", [&] {
                return alone.get("/api/v1/streams/twice").at("state") == "finished";
            }));
        }
        alone.terminate();
        other_ = std::make_unique<RunningDaemon>(
            elsewhere_, std::vector<std::string>{"--config", nats_config(elsewhere_, server_.url(), "other")});
        other_->post("/api/v1/streams", k_body);
        ASSERT_TRUE(wait_until("the other one shares its own", [&] { return shares(*other_); }));
    }

    /// A daemon with the history of the stream that nobody shares.
    [[nodiscard]] std::unique_ptr<RunningDaemon> start(const std::string& more) const {
        return std::make_unique<RunningDaemon>(
            home_, std::vector<std::string>{"--config", nats_config(home_, server_.url(), "node", more)});
    }
    static bool shares(const RunningDaemon& daemon) {
        const boost::json::value streams = daemon.get("/api/v1/streams").at("items");
        return streams.as_array().size() == 1 && streams.at(0).at("shared").is_array();
    }

    static constexpr const char* k_body = R"({"name":"twice","scenarios":["llama-3.1-8b-h100-mixed"]})";
    TemporaryDirectory home_;
    TemporaryDirectory elsewhere_;
    TemporaryDirectory server_directory_;
    NatsServer server_{server_directory_};
    std::unique_ptr<RunningDaemon> other_;
};

TEST_F(NatsName, a_stream_from_before_is_not_taken_for_another_one_of_its_name) {
    begin(false);
    const auto daemon = start("");
    EXPECT_TRUE(daemon->get("/api/v1/streams/twice").at("shared").is_null());
    daemon->terminate();
    const std::string errors = daemon->process().errors();
    EXPECT_NE(
        errors.find("event=stream_not_shared stream=twice why=\"another stream of this name is in the shared log; this "
                    "one stays with this process\" remedy=\"send on to a stream of another name: new ones are "
                    "shared\"\n"),
        std::string::npos)
        << errors;
}

// The log of the other one stays, so the name, free again, is that of the shared stream here, too.
TEST_F(NatsName, retention_removes_the_log_of_its_own_stream_only) {
    begin(true);
    const auto daemon = start("[[retention.stream]]\nname = 'twice'\nkeep_days = 0\n");
    EXPECT_TRUE(wait_until("the shared one is joined", [&] { return shares(*daemon); }));
    TemporaryDirectory anew;
    const RunningDaemon third(anew, {"--config", nats_config(anew, server_.url(), "third")});
    EXPECT_TRUE(wait_until("a third one joins it", [&] { return shares(third); }));
}

class NatsTlsTest : public ::testing::Test {
protected:
    void SetUp() override {
        make_certificates();
        write_file(directory_ / "password", "correct horse\n");
        ASSERT_EQ(chmod((directory_ / "password").c_str(), 0600), 0);
        server_ = std::make_unique<NatsServer>(
            directory_, "tls { cert_file: \"" + (directory_ / "server.pem") + "\", key_file: \"" +
                            (directory_ / "server.key") +
                            "\" }\nauthorization { user: site, password: \"correct horse\" }\n");
        url_ = "tls://localhost:" + std::to_string(server_->port());
    }
    /// An authority of our own and a certificate of it for localhost.
    void make_certificates() {
        const auto openssl = [this](std::vector<std::string> arguments) {
            arguments.insert(arguments.begin(), "openssl");
            const Outcome outcome = run_program(directory_, arguments);
            ASSERT_EQ(outcome.status, 0) << outcome.errors;
        };
        for (const std::string name : {"ca", "stranger"}) {
            openssl({"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=" + name, "-keyout",
                     directory_ / (name + ".key"), "-out", directory_ / (name + ".pem")});
        }
        openssl({"req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", directory_ / "server.key",
                 "-out", directory_ / "server.csr"});
        write_file(directory_ / "san", "subjectAltName=DNS:localhost\n");
        openssl({"x509", "-req", "-in", directory_ / "server.csr", "-CA", directory_ / "ca.pem", "-CAkey",
                 directory_ / "ca.key", "-CAcreateserial", "-days", "2", "-extfile", directory_ / "san", "-out",
                 directory_ / "server.pem"});
    }
    [[nodiscard]] std::string config(const std::string& ca) const {
        return nats_config(directory_, url_, "node",
                           "ca_file = '" + (directory_ / ca) + "'\nuser = 'site'\npassword_file = '" +
                               (directory_ / "password") + "'\n");
    }

    TemporaryDirectory directory_;
    std::unique_ptr<NatsServer> server_;
    std::string url_;
};

TEST_F(NatsTlsTest, a_stream_goes_through_with_the_right_authority_and_password) {
    TemporaryDirectory home;
    RunningDaemon daemon(home, {"--config", config("ca.pem")});
    generate_trace(directory_, directory_ / "trace.jsonl", 500);
    replayctl(directory_, {"stream", directory_ / "trace.jsonl", "--stream", "s", "--daemon", daemon.url(), "--wait",
                           "--scenario", "llama-3.1-8b-h100-mixed"});
    EXPECT_EQ(daemon.arrivals("s"), 500);
    EXPECT_EQ(stored_hashes(directory_, daemon.db(), "s").size(), 1U);
    daemon.terminate();
}

TEST_F(NatsTlsTest, a_certificate_of_another_authority_is_refused) {
    const Outcome outcome = failed_start(directory_, config("stranger.pem"));
    EXPECT_NE(outcome.errors.find("nats.servers: cannot connect to " + url_ + ": "), std::string::npos)
        << outcome.errors;
}

TEST_F(NatsTlsTest, a_wrong_password_is_refused_with_the_keys_to_mend) {
    write_file(directory_ / "password", "wrong horse\n");
    const Outcome outcome = failed_start(directory_, config("ca.pem"));
    EXPECT_NE(outcome.errors.find("mend nats.user and nats.password_file, or nats.credentials_file"), std::string::npos)
        << outcome.errors;
    EXPECT_EQ(outcome.errors.find("horse"), std::string::npos);
}

TEST_F(NatsTlsTest, a_password_file_that_others_read_is_refused) {
    ASSERT_EQ(chmod((directory_ / "password").c_str(), 0644), 0);
    const Outcome outcome = failed_start(directory_, config("ca.pem"));
    EXPECT_EQ(outcome.errors,
              "replayd: the password of nats.password_file " + (directory_ / "password") +
                  " may be read by other users (mode 0644): expected 0600 or 0400; mend it with chmod 600\n");
}

}  // namespace
}  // namespace replayd::testing
