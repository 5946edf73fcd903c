// Wrong HTTP requests and wrong ingest messages: each has one exact answer, and the daemon serves on.

#include <filesystem>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "harness.hpp"

namespace replayd::test {
namespace {

struct BadRequest {
    const char* method;
    const char* target;
    const char* body;
    unsigned status;
    const char* code;
    const char* detail;
};

const std::vector<BadRequest> k_bad_requests = {
    {"GET", "/api/v1/nothing", "", 404, "not_found",
     "no such path: \"/api/v1/nothing\"; daemon/api.md lists those under /api/v1"},
    {"POST", "/api/v1/runs", "", 405, "method_not_allowed", "POST /api/v1/runs: expected GET"},
    {"GET", "/api/v1/query", "", 405, "method_not_allowed", "GET /api/v1/query: expected POST"},
    {"POST", "/metrics", "", 405, "method_not_allowed", "POST /metrics: expected GET"},
    {"GET", "/api/v1/streams/tt", "", 404, "not_found", "no stream \"tt\"; did you mean \"t\"?"},
    {"GET", "/api/v1/streams/other-name", "", 404, "not_found",
     "no stream \"other-name\"; GET /api/v1/streams lists them"},
    {"POST", "/api/v1/streams/nope/pause", "", 404, "not_found", "no stream \"nope\"; GET /api/v1/streams lists them"},
    {"POST", "/api/v1/streams", "{", 400, "invalid_argument", "the body is not JSON: incomplete JSON"},
    {"POST", "/api/v1/streams", "[]", 400, "invalid_argument", "the body is not a JSON object: expected {…}"},
    {"POST", "/api/v1/streams", R"({"nmae":"x"})", 400, "invalid_argument",
     "\"nmae\": unknown key: expected name, scenarios, speed, request_rows; did you mean \"name\"?"},
    {"POST", "/api/v1/streams", R"({"scenarios":["test-pd"]})", 400, "invalid_argument",
     "name is missing or no string: expected the stream's name"},
    {"POST", "/api/v1/streams", R"({"name":"x"})", 400, "invalid_argument",
     "scenarios is missing or no list: expected an array of scenario names"},
    {"POST", "/api/v1/streams", R"({"name":"x","scenarios":[1]})", 400, "invalid_argument",
     "scenarios is missing or no list: expected an array of scenario names"},
    {"POST", "/api/v1/streams", R"({"name":"x","scenarios":[]})", 400, "invalid_argument",
     "stream \"x\" does not exist and no scenarios were named: expected one or more scenarios to create it with"},
    {"POST", "/api/v1/streams", R"({"name":"a b","scenarios":["test-pd"]})", 400, "invalid_argument",
     "name is \"a b\": expected 1 to 128 characters of A-Z a-z 0-9 . _ -"},
    {"POST", "/api/v1/streams", R"({"name":"x","scenarios":["test-dp"]})", 404, "not_found",
     "no scenario \"test-dp\"; did you mean \"test-pd\"?"},
    {"POST", "/api/v1/streams", R"({"name":"x","scenarios":["test-pd","test-pd"]})", 400, "invalid_argument",
     "scenarios names \"test-pd\" twice: expected each scenario once"},
    {"POST", "/api/v1/streams", R"({"name":"x","scenarios":["test-pd"],"speed":-1})", 400, "invalid_argument",
     "speed is -1.000000: expected 0 (as fast as possible) or a positive factor of real time"},
    {"POST", "/api/v1/streams", R"({"name":"x","scenarios":["test-pd"],"request_rows":1})", 400, "invalid_argument",
     "request_rows is no string: expected all, none, objective_breaks or sampled:SHARE"},
    {"POST", "/api/v1/streams", R"({"name":"x","scenarios":["test-pd"],"request_rows":"sampled:2"})", 400,
     "invalid_argument",
     "request_rows is \"sampled:2\": expected all, none, objective_breaks, or sampled:SHARE with a share above 0 and "
     "below 1, such as sampled:0.01"},
    {"POST", "/api/v1/streams", R"({"name":"t","scenarios":["test-pd"]})", 409, "already_exists",
     "stream \"t\" exists: choose another name, or send arrivals to that one"},
    {"POST", "/api/v1/streams/t/speed", R"({"speed":"max"})", 400, "invalid_argument",
     "speed is not a number: expected 0 (as fast as possible) or a positive factor of real time"},
    {"POST", "/api/v1/streams/t/speed", "{}", 400, "invalid_argument",
     "speed is missing: expected 0 (as fast as possible) or a positive factor of real time"},
    {"POST", "/api/v1/scenarios", "name = 'x'", 400, "invalid_argument",
     "content-type is application/json: expected application/toml with a scenario as the body"},
    {"GET", "/api/v1/scenarios/test-mixt", "", 404, "not_found",
     "no scenario \"test-mixt\"; did you mean \"test-mixed\"?"},
    {"GET", "/api/v1/runs?limit=0", "", 400, "invalid_argument", "limit is \"0\": expected an integer from 1 to 1000"},
    {"GET", "/api/v1/runs?stream=tt", "", 404, "not_found", "no stream \"tt\"; did you mean \"t\"?"},
    {"GET", "/api/v1/runs/x", "", 400, "invalid_argument", "the run's id is \"x\": expected an integer of 0 or more"},
    {"GET", "/api/v1/runs/1/windows?from_ns=-1", "", 400, "invalid_argument",
     "from_ns is \"-1\": expected an integer from 0 to 9223372036854775807"},
    {"GET", "/api/v1/runs/1/windows?limit=10001", "", 400, "invalid_argument",
     "limit is \"10001\": expected an integer from 1 to 10000"},
    {"GET", "/api/v1/runs/1/requests?order=slowest", "", 400, "invalid_argument",
     "order is \"slowest\": expected recent, slowest_ttft or slowest_e2e"},
    {"GET", "/api/v1/runs/1/requests?outcome=lost", "", 400, "invalid_argument",
     "outcome is \"lost\": expected any, finished or rejected"},
    {"GET", "/api/v1/runs/1/requests/-1", "", 400, "invalid_argument",
     "the request's sequence is \"-1\": expected an integer of 0 or more"},
    {"POST", "/api/v1/query", "{}", 400, "invalid_argument",
     "sql is missing or no string: expected one SELECT statement"},
    {"GET", "/index.html", "", 404, "not_found",
     "no page is configured: start replayd with --dashboard DIR, or use the API under /api/v1 and /metrics"},
};

TEST(BadHttp, every_wrong_request_has_its_exact_answer) {
    const TestDaemon daemon;
    ASSERT_EQ(daemon.post("/api/v1/streams", R"({"name":"t","scenarios":["test-mixed"]})").status, 201U);
    for (const BadRequest& bad : k_bad_requests) {
        const std::string method = bad.method;
        const HttpAnswer answer = method == "GET" ? daemon.get(bad.target) : daemon.post(bad.target, bad.body);
        EXPECT_EQ(answer.status, bad.status) << bad.target << bad.body;
        EXPECT_EQ(answer.text("code"), bad.code) << bad.target << bad.body;
        EXPECT_EQ(answer.text("detail"), bad.detail);
        EXPECT_EQ(answer.body.at("status").as_int64(), bad.status);
    }
    EXPECT_EQ(daemon.get_text("/healthz"), "ok\n");
    EXPECT_EQ(daemon.get_text("/readyz"), "ok\n");
}

/// Sends the bytes as they are and returns the first line of the answer.
std::string status_line(const TestDaemon& daemon, const std::string& bytes) {
    boost::asio::io_context io;
    boost::asio::ip::tcp::socket socket(io);
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), daemon.endpoint().port});
    boost::asio::write(socket, boost::asio::buffer(bytes));
    std::string answer;
    boost::asio::read_until(socket, boost::asio::dynamic_buffer(answer), "\r\n");
    return answer.substr(0, answer.find("\r\n"));
}

// A page of another site must not make its visitor's browser change anything here; the daemon's own page may.
TEST(BadHttp, posts_of_pages_from_other_origins_are_refused) {
    const TestDaemon daemon;
    const std::string host = "127.0.0.1:" + std::to_string(daemon.endpoint().port);
    const auto post = [&host](const std::string& origin) {
        return "POST /api/v1/query HTTP/1.1\r\nHost: " + host + "\r\nOrigin: " + origin +
               "\r\nContent-Type: text/plain\r\nContent-Length: 18\r\n\r\n{\"sql\":\"SELECT 1\"}";
    };
    EXPECT_EQ(status_line(daemon, post("http://evil.example")), "HTTP/1.1 403 Forbidden");
    EXPECT_EQ(status_line(daemon, post("http://" + host)), "HTTP/1.1 200 OK");
}

// Errors whose words come from the parts below keep their status and name the missing thing.
TEST(BadHttp, errors_of_the_history_and_of_scenario_texts_reach_the_client) {
    const TestDaemon daemon;
    EXPECT_EQ(daemon.get("/api/v1/runs/99").status, 404U);
    EXPECT_EQ(daemon.post("/api/v1/query", R"({"sql":"DELETE FROM request"})").status, 400U);
    EXPECT_EQ(daemon.post("/api/v1/query", R"({"sql":"SELEC 1"})").status, 400U);
    const HttpAnswer text = daemon.post("/api/v1/scenarios", "nam = 'x'\n", "application/toml");
    EXPECT_EQ(text.status, 400U);
    EXPECT_EQ(text.text("detail").substr(0, 7), "body:1:");
    const HttpAnswer taken =
        daemon.post("/api/v1/scenarios", std::string(k_mixed_toml) + "# other\n", "application/toml");
    EXPECT_EQ(taken.status, 409U);
    EXPECT_EQ(taken.text("detail"), "body: scenario \"test-mixed\" exists with another text: choose another name");
}

struct BadIngest {
    const char* first;  ///< JSON frame sent before, or empty
    const char* frame;  ///< the wrong JSON frame
    const char* code;
    const char* message;
    std::uint16_t close_code;
};

constexpr const char* k_hello = R"({"hello":{"stream":"t","scenarios":["test-mixed"]}})";

const std::vector<BadIngest> k_bad_ingest = {
    {"", R"({"batch":{"seq":1,"watermark_ns":5}})", "failed_state", "a batch before the hello: expected a hello first",
     4409},
    {"", R"({"end":{"seq":1}})", "failed_state", "an end before the hello: expected a hello first", 4409},
    {"", R"({"hello":{"stream":"new"}})", "invalid_argument",
     "stream \"new\" does not exist and no scenarios were named: expected one or more scenarios to create it with",
     4400},
    {"", R"({"hello":{"stream":"new","scenarios":["test-mixd"]}})", "not_found",
     "no scenario \"test-mixd\"; did you mean \"test-mixed\"?", 4404},
    {k_hello, k_hello, "failed_state", "a second hello: expected batches or an end after the welcome", 4409},
    {k_hello, R"({"batch":{"seq":2,"watermark_ns":5}})", "sequence_gap",
     "batch.seq is 2: expected 1; send again from batch 1", 4409},
    {k_hello, R"({"end":{"seq":7}})", "sequence_gap", "end.seq is 7: expected 1; send again from batch 1", 4409},
    {k_hello,
     R"({"batch":{"seq":1,"arrivals":[)"
     R"({"id":"a","arrival_ns":4611686018427387905,"prompt_tokens":1,"output_tokens":1}]}})",
     "invalid_argument",
     "batch 1: its latest time is 4611686018427387905 ns: expected at most 4611686018427387904 ns after the stream's "
     "epoch",
     4400},
    {k_hello,
     R"({"batch":{"seq":1,"arrivals":[{"id":"a","arrival_ns":1,"prompt_tokens":1,"output_tokens":1},)"
     R"({"id":"b","arrival_ns":1,"prompt_tokens":1,"output_tokens":1},)"
     R"({"id":"c","arrival_ns":1,"prompt_tokens":1,"output_tokens":1}]}})",
     "over_credit",
     "batch 1 has 3 arrivals: expected at most the 2 that are left of the credit; wait for an ack with more", 4429},
};

// Each on a connection of its own; the stream is none the worse for it.
TEST(BadIngest, every_wrong_message_has_its_exact_failure_and_close_code) {
    const TestDaemon daemon([](config::DaemonConfig& config) { config.backlog_arrivals_max = 2; });
    for (const BadIngest& bad : k_bad_ingest) {
        IngestClient client(daemon, false);
        if (*bad.first != '\0') {
            client.send_raw(bad.first, false);
            (void)std::get<protocol::Welcome>(client.receive());
        }
        client.send_raw(bad.frame, false);
        const auto [failure, close_code] = client.wait_failure();
        EXPECT_EQ(failure.code, bad.code);
        EXPECT_EQ(failure.message, bad.message);
        EXPECT_EQ(close_code, bad.close_code) << bad.message;
    }
    EXPECT_EQ(daemon.sql("SELECT count(*) FROM arrival_batch"), 0);
}

// Late arrivals are counted in the metric of their stream and none of the batch is logged.
TEST(BadIngest, late_arrivals_are_refused_with_their_batch_and_counted) {
    const TestDaemon daemon;
    const auto arrivals = synthetic_arrivals(50);
    IngestClient client(daemon, false);
    (void)client.hello("t", {"test-mixed"});
    client.send(protocol::ArrivalBatch{1, {arrivals[49]}, std::nullopt});
    client.wait_ack(1);
    client.send(protocol::ArrivalBatch{2, {arrivals[0], arrivals[49]}, std::nullopt});
    const auto [failure, code] = client.wait_failure();
    EXPECT_EQ(failure.message, "batch 2: 1 of 2 arrivals are earlier than the stream's watermark of " +
                                   std::to_string(arrivals[49].at.ns) + " ns, the first is \"r0\" at " +
                                   std::to_string(arrivals[0].at.ns) +
                                   " ns: expected no arrival before the watermark; none was taken");
    EXPECT_EQ(failure.seq, 2U);
    EXPECT_EQ(code, 4400);
    EXPECT_NE(daemon.get_text("/metrics").find("replayd_stream_rejected_total{stream=\"t\"} 2\n"), std::string::npos);
    EXPECT_EQ(daemon.sql("SELECT sum(arrivals) FROM arrival_batch"), 1);
}

TEST(BadIngest, nothing_is_taken_after_the_end) {
    const TestDaemon daemon;
    IngestClient client(daemon, true);
    (void)client.hello("t", {"test-mixed"});
    client.send(protocol::End{1});
    client.wait_ack(1);
    client.send(protocol::ArrivalBatch{1, {}, VirtualTime(5)});
    EXPECT_EQ(client.wait_failure().first.message, "batch 1: stream \"t\" has ended: expected nothing after its end");
}

// A start that cannot succeed says which file or name is wrong.
TEST(BadStart, a_wrong_configuration_is_one_sentence) {
    config::DaemonConfig config;
    config.listen_port = 0;
    const std::string folder = make_folder();
    config.history_path = folder + "/history.db";
    config.scenario_dirs = {"/nonexistent"};
    EXPECT_EQ(app::App::start(config).error().message,
              "scenarios.dirs (--scenario-dir) names \"/nonexistent\": No such file or directory: expected a folder of "
              "scenario files");
    config.scenario_dirs.clear();
    config.scenario_files = {"/nonexistent.toml"};
    EXPECT_EQ(app::App::start(config).error().message, "cannot read /nonexistent.toml: No such file or directory");
    config.scenario_files.clear();
    config.catalog_files = {"/nonexistent.toml"};
    EXPECT_EQ(app::App::start(config).error().message, "cannot read /nonexistent.toml: No such file or directory");
    config.catalog_files.clear();
    config.streams = {{"s", {"llama"}, 0, {}}};
    const std::string unknown = app::App::start(config).error().message;
    EXPECT_TRUE(unknown.starts_with(
        "stream.scenarios of stream \"s\" names \"llama\", and there is no such scenario: expected one of the built-in "
        "ones and those of scenarios.dirs and scenarios.files, deepseek"))
        << unknown;
    config.streams.clear();
    config.port_file = "/nonexistent/port";
    EXPECT_EQ(app::App::start(config).error().message,
              "cannot write the port file /nonexistent/port: No such file or directory");
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace replayd::test
