// Spans on /v1/traces of a real daemon: in order of time whatever order they come in, once, durable, and each refusal
// by name.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "daemon/protocol/codes.hpp"
#include "harness.hpp"
#include "storage/backup.hpp"
#include "storage/span_spool.hpp"

namespace replayd::test {
namespace {

namespace json = boost::json;

constexpr std::uint64_t k_morning_ns = 1'772'000'000'000'000'000;

json::object attribute(const char* key, json::object value) {
    return {{"key", key}, {"value", std::move(value)}};
}

/// A chat of `prompt` tokens that begins `start_ms` into the morning.
json::object span(unsigned number, std::uint64_t start_ms, std::uint64_t length_ms = 500, std::int64_t prompt = 100) {
    const std::string digits = std::to_string(100'000 + number);
    const std::uint64_t start = k_morning_ns + start_ms * 1'000'000;
    return {{"traceId", "ab000000000000000000000000" + digits},
            {"spanId", "cd00000000" + digits},
            {"startTimeUnixNano", std::to_string(start)},
            {"endTimeUnixNano", std::to_string(start + length_ms * 1'000'000)},
            {"attributes", json::array{attribute("gen_ai.usage.input_tokens", {{"intValue", std::to_string(prompt)}}),
                                       attribute("gen_ai.usage.output_tokens", {{"intValue", "5"}}),
                                       attribute("gen_ai.latency.time_to_first_token", {{"doubleValue", 0.125}})}}};
}

std::string request(json::array spans, const char* service = "gateway") {
    return json::serialize(json::object{
        {"resourceSpans",
         json::array{json::object{
             {"resource", {{"attributes", json::array{attribute("service.name", {{"stringValue", service}})}}}},
             {"scopeSpans", json::array{json::object{{"spans", std::move(spans)}}}}}}}});
}

/// A daemon whose spans create streams with the mixed cluster. It is a file, since what [otlp] names must be there at
/// the start.
TestDaemon spans_daemon(int reorder_s = 10) {
    return TestDaemon([reorder_s](config::DaemonConfig& config) {
        config.scenario_files = {config.history_path + ".toml"};
        std::ofstream(config.scenario_files.front()) << k_mixed_toml;
        config.otlp.scenarios = {"test-mixed"};
        config.otlp.reorder = std::chrono::seconds(reorder_s);
    });
}

void expect_taken(const HttpAnswer& answer) {
    EXPECT_EQ(answer.status, 200U);
    EXPECT_EQ(json::serialize(answer.body), "{}");
}

void end(const TestDaemon& daemon, const std::string& stream) {
    const HttpAnswer ended = daemon.post("/api/v1/streams/" + stream + "/end", "{}");
    ASSERT_EQ(ended.status, 200U) << json::serialize(ended.body);
    (void)daemon.wait_finished(stream);
}

/// Prompt lengths of the stream's requests, by arrival.
std::string prompts(const TestDaemon& daemon) {
    return json::serialize(daemon.sql(
        "SELECT group_concat(prompt_tokens, ' ') FROM (SELECT prompt_tokens FROM request ORDER BY arrived_ns)"));
}

TEST(Otlp, spans_in_any_order_become_arrivals_in_order_with_what_was_observed) {
    TestDaemon daemon = spans_daemon();
    expect_taken(daemon.post("/v1/traces", request({span(3, 3'000, 500, 103), span(1, 1'000, 500, 101)})));
    expect_taken(daemon.post("/v1/traces", request({span(2, 2'000, 500, 102), span(0, 500, 9'000, 100)})));
    end(daemon, "gateway");
    EXPECT_EQ(prompts(daemon), R"("100 101 102 103")");
    EXPECT_EQ(daemon.sql("SELECT max(arrived_ns) - min(arrived_ns) FROM request").as_int64(), 2'500'000'000);
    EXPECT_EQ(daemon.sql("SELECT count(*) FROM request WHERE observed_ttft_ns = 125000000").as_int64(), 4);
    EXPECT_EQ(daemon.sql("SELECT count(*) FROM request WHERE observed_e2e_ns = 500000000").as_int64(), 3);
    EXPECT_EQ(daemon.sql("SELECT count(*) FROM request WHERE id = 'ab000000000000000000000000100002-cd00000000100002'")
                  .as_int64(),
              1);
}

// The span of 60 s later moves the stream on; what then comes from before that is late, and told so.
TEST(Otlp, a_late_span_is_rejected_by_name_and_the_others_are_taken) {
    TestDaemon daemon = spans_daemon();
    expect_taken(daemon.post("/v1/traces", request({span(1, 1'000), span(2, 60'000)})));
    // Released by the daemon's clock tick: the first arrival is in the log when the stream says so.
    (void)daemon.wait_stream("gateway",
                             [](const json::object& stream) { return stream.at("arrivals").to_number<int>() == 1; });
    const HttpAnswer answer = daemon.post("/v1/traces", request({span(3, 2'000), span(4, 59'000)}));
    EXPECT_EQ(answer.status, 200U);
    const json::object& partial = answer.body.at("partialSuccess").as_object();
    EXPECT_EQ(partial.at("rejectedSpans").as_string(), "1");
    EXPECT_EQ(partial.at("errorMessage").as_string(),
              "span cd00000000100003 of stream \"gateway\" is late, or was sent before: it began 48500 ms before the "
              "time that the stream has come to: expected spans that began within otlp.reorder_s, 10 s, before the "
              "latest end");
    end(daemon, "gateway");
    EXPECT_EQ(daemon.sql("SELECT count(*) FROM request").as_int64(), 3);
}

// The number of its end is that of its welcome, when no span had been released.
TEST(Otlp, the_end_of_a_websocket_stands_behind_the_spans_that_wait) {
    for (const bool binary : {true, false}) {
        TestDaemon daemon = spans_daemon(3'600);
        expect_taken(daemon.post("/v1/traces", request({span(1, 1'000, 500, 101), span(2, 2'000, 500, 102)})));
        IngestClient client(daemon, binary);
        const auto welcome = client.hello("gateway", {});
        client.send(protocol::End{welcome.next_seq});
        const protocol::Ack ack = client.wait_ack(welcome.next_seq + 1);
        EXPECT_EQ(ack.arrivals, 2);
        (void)daemon.wait_finished("gateway");
        EXPECT_EQ(prompts(daemon), R"("101 102")");
        const HttpAnswer late = daemon.post("/v1/traces", request({span(3, 3'000)}));
        EXPECT_EQ(late.body.at("partialSuccess").at("errorMessage").as_string(),
                  "stream \"gateway\" has ended: expected no span after its end");
    }
}

// Once more after a lost connection, and with a number that no batch can have.
TEST(Otlp, the_end_of_a_websocket_may_be_sent_again_and_its_number_is_checked) {
    TestDaemon daemon = spans_daemon(3'600);
    expect_taken(daemon.post("/v1/traces", request({span(1, 1'000)})));
    IngestClient early(daemon, true);
    const auto welcome = early.hello("gateway", {});
    early.send(protocol::End{welcome.next_seq + 5});
    const auto [failure, code] = early.wait_failure();
    EXPECT_EQ(failure.message, "end.seq is 6: expected 1; send again from batch 1");
    EXPECT_EQ(code, protocol::k_sequence_gap.close_code);
    IngestClient client(daemon, true);
    client.send(protocol::End{client.hello("gateway", {}).next_seq});
    (void)daemon.wait_finished("gateway");
    IngestClient again(daemon, true);
    const auto over = again.hello("gateway", {});
    EXPECT_TRUE(over.ended);
    again.send(protocol::End{over.next_seq});
    EXPECT_EQ(again.wait_ack(over.next_seq).arrivals, 1);
}

// What was answered with success waits on disk: a stop between the answer and the release loses nothing, and sending it
// again doubles nothing.
TEST(Otlp, spans_that_wait_survive_a_restart_and_are_taken_once) {
    TestDaemon daemon = spans_daemon(3'600);
    const std::string body = request({span(1, 1'000, 500, 101), span(2, 2'000, 500, 102)});
    expect_taken(daemon.post("/v1/traces", body));
    daemon.restart();
    daemon.add_scenarios();
    expect_taken(daemon.post("/v1/traces", body));
    expect_taken(daemon.post("/v1/traces", request({span(3, 0, 500, 100)})));
    end(daemon, "gateway");
    EXPECT_EQ(prompts(daemon), R"("100 101 102")");
}

// A backup that is started on has the same runs to finish, and what had been released before is not taken twice.
TEST(Otlp, a_backup_has_the_spans_that_wait_and_gives_them_back) {
    TestDaemon daemon = spans_daemon();
    expect_taken(daemon.post(
        "/v1/traces", request({span(1, 1'000, 500, 101), span(2, 60'000, 500, 102), span(3, 61'000, 500, 103)})));
    (void)daemon.wait_stream("gateway",
                             [](const json::object& stream) { return stream.at("arrivals").to_number<int>() == 1; });
    const std::string copy = daemon.folder() + "/copy.db";
    const auto done = storage::back_up(daemon.config().history_path, copy, {});
    ASSERT_TRUE(done) << done.error().message;
    TestDaemon restored([&copy](config::DaemonConfig& config) {
        std::filesystem::copy_file(copy, config.history_path);
        std::filesystem::copy_file(storage::span_spool_path(copy), storage::span_spool_path(config.history_path));
    });
    EXPECT_EQ(restored.get("/api/v1/streams/gateway").body.at("arrivals"), 1);
    end(restored, "gateway");
    EXPECT_EQ(prompts(restored), R"("101 102 103")");
}

// What is in the log leaves the spool, also behind the end.
TEST(Otlp, nothing_waits_after_the_end) {
    TestDaemon daemon = spans_daemon(3'600);
    expect_taken(daemon.post("/v1/traces", request({span(1, 0), span(2, 500)})));
    EXPECT_NE(daemon.get_text("/metrics").find("\nreplayd_otlp_waiting_spans 2\n"), std::string::npos);
    end(daemon, "gateway");
    while (daemon.get_text("/metrics").find("\nreplayd_otlp_waiting_spans 0\n") == std::string::npos) {
    }
}

TEST(Otlp, spans_of_other_work_are_no_errors_and_make_no_stream) {
    TestDaemon daemon = spans_daemon();
    json::object other = span(1, 0);
    other["attributes"] = json::array{attribute("http.request.method", {{"stringValue", "GET"}})};
    expect_taken(daemon.post("/v1/traces", request({other})));
    EXPECT_EQ(json::serialize(daemon.get("/api/v1/streams").body), R"({"items":[]})");
    EXPECT_NE(daemon.get_text("/metrics").find("\nreplayd_otlp_spans_total{outcome=\"other\"} 1\n"), std::string::npos);
}

// The address names stream and scenarios over what the configuration says.
TEST(Otlp, the_sender_chooses_stream_and_scenarios) {
    TestDaemon daemon = spans_daemon();
    expect_taken(daemon.post("/v1/traces?stream=mine&scenarios=test-mixed,%20test-pd", request({span(1, 0)})));
    end(daemon, "mine");
    EXPECT_EQ(daemon.sql("SELECT count(*) FROM run").as_int64(), 2);
}

TEST(Otlp, each_refusal_says_what_is_wrong) {
    TestDaemon daemon;  // no scenarios for spans
    const auto partial = [](const HttpAnswer& answer) {
        EXPECT_EQ(answer.status, 200U);
        return std::string(answer.body.at("partialSuccess").at("errorMessage").as_string());
    };
    EXPECT_EQ(partial(daemon.post("/v1/traces", request({span(1, 0)}))),
              "stream \"gateway\" does not exist and no scenarios were named: expected one or more scenarios to create "
              "it with");
    EXPECT_EQ(partial(daemon.post("/v1/traces", request({span(1, 0)}, "unknown_service:node"))),
              "service.name, the name of the stream, is \"unknown_service:node\": expected 1 to 128 characters of A-Z "
              "a-z 0-9 . _ -; or name it by the header x-replayd-stream or otlp.stream");
    json::object bare = span(1, 0);
    bare["attributes"] = json::array{attribute("gen_ai.usage.input_tokens", {{"intValue", 5}})};
    EXPECT_EQ(
        partial(daemon.post("/v1/traces?stream=s&scenarios=test-mixed", request({bare}))),
        "span cd00000000100001: gen_ai.usage.output_tokens is missing: expected it, or gen_ai.usage.completion_tokens");
    json::object future = span(1, 0);
    future["startTimeUnixNano"] = "8999999999000000000";
    future["endTimeUnixNano"] = "9000000000000000000";
    EXPECT_EQ(partial(daemon.post("/v1/traces?stream=s&scenarios=test-mixed", request({future}))),
              "span cd00000000100001: it ends in the future: expected clocks that agree within otlp.reorder_s, 60 s");
    EXPECT_EQ(json::serialize(daemon.get("/api/v1/streams").body), R"({"items":[]})");
    EXPECT_EQ(daemon.post("/v1/traces", "spans", "text/plain").status, 415U);
    EXPECT_EQ(daemon.post("/v1/traces", "spans").text("message"), "the body is not JSON: syntax error");
    EXPECT_EQ(daemon.get("/v1/traces").status, 405U);
}

// A websocket's arrivals have a clock of their own.
TEST(Otlp, a_stream_of_other_arrivals_takes_no_spans) {
    TestDaemon daemon = spans_daemon();
    IngestClient client(daemon, true);
    (void)client.hello("gateway", {"test-mixed"});
    client.wait_ack(send_arrivals(client, synthetic_arrivals(3), 0, 3, 3, 1) - 1);
    const HttpAnswer answer = daemon.post("/v1/traces", request({span(1, 0)}));
    EXPECT_EQ(answer.body.at("partialSuccess").at("errorMessage").as_string(),
              "stream \"gateway\" has arrivals that were no spans, on a clock of their own: expected a stream of "
              "spans; choose another name");
}

// Nothing is acknowledged that is not on disk.
TEST(Otlp, spans_that_cannot_be_stored_are_to_be_sent_again) {
    TestDaemon daemon = spans_daemon();
    std::filesystem::create_directories(daemon.folder() + "/history.db-spans");
    const auto answer = net::http_request(daemon.endpoint(), "POST", "/v1/traces", request({span(1, 0)}));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 503U);
    const bool told_when = std::any_of(answer->headers.begin(), answer->headers.end(),
                                       [](const auto& header) { return header.first == "retry-after"; });
    EXPECT_TRUE(told_when);
    std::filesystem::remove(daemon.folder() + "/history.db-spans");
    expect_taken(daemon.post("/v1/traces", request({span(1, 0)})));
}

}  // namespace
}  // namespace replayd::test
