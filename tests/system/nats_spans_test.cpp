// OpenTelemetry spans that one of several replayd processes takes become arrivals of the stream that all share, over a
// real nats-server: once each, whoever computes, with the hashes of one process alone.

#include <boost/json/serialize.hpp>

#include "tests/system/nats_server.hpp"
#include "tests/system/shared_streams.hpp"

namespace replayd::testing {
namespace {

namespace json = boost::json;

constexpr const char* k_stream = "gateway";
constexpr int k_spans = 60;

json::object number_attribute(const char* key, int value) {
    return {{"key", key}, {"value", {{"intValue", std::to_string(value)}}}};
}

/// Chats [from, to), a quarter of a second apart.
std::string spans(int from, int to) {
    constexpr std::uint64_t k_morning_ns = 1'772'000'000'000'000'000;
    json::array list;
    for (int i = from; i < to; ++i) {
        const std::uint64_t start = k_morning_ns + static_cast<std::uint64_t>(i) * 250'000'000;
        const std::string digits = std::to_string(100'000 + i);
        list.push_back(json::object{{"traceId", "ab000000000000000000000000" + digits},
                                    {"spanId", "cd00000000" + digits},
                                    {"startTimeUnixNano", std::to_string(start)},
                                    {"endTimeUnixNano", std::to_string(start + 100'000'000)},
                                    {"attributes", {number_attribute("gen_ai.usage.input_tokens", 200 + 7 * i),
                                                    number_attribute("gen_ai.usage.output_tokens", 20 + i)}}});
    }
    return json::serialize(json::object{{"resourceSpans", {{{"scopeSpans", {{{"spans", std::move(list)}}}}}}}});
}

std::string traces_target() {
    std::string names;
    for (const std::string& scenario : six_scenarios()) names += (names.empty() ? "" : ",") + scenario;
    return std::string("/v1/traces?stream=") + k_stream + "&scenarios=" + names;
}

void send(const RunningDaemon& daemon, const std::string& body) {
    const auto answer = daemon.ask("POST", traces_target(), body);
    EXPECT_EQ(answer.status, 200U);
    EXPECT_EQ(answer.body, "{}");
}

const std::string k_end = std::string("/api/v1/streams/") + k_stream + "/end";

/// What a process without NATS comes to.
Hashes hashes_alone(const TemporaryDirectory& directory) {
    RunningDaemon daemon(directory);
    send(daemon, spans(0, k_spans));
    daemon.post(k_end);
    Hashes hashes;
    EXPECT_TRUE(wait_until("the runs of one process finish", [&] {
        hashes = stored_hashes(directory, daemon.db(), k_stream);
        return hashes.size() == six_scenarios().size();
    }));
    return hashes;
}

// The process that takes the spans dies with half of them in its spool and nothing released, comes back, and is sent
// some again.
TEST(NatsSpans, of_one_process_become_arrivals_of_the_shared_stream_once_whoever_computes) {
    TemporaryDirectory alone;
    TemporaryDirectory directory;
    TemporaryDirectory first_home;
    TemporaryDirectory second_home;
    const NatsServer server(directory);
    RunningDaemon first(first_home, {"--config", nats_config(first_home, server.url(), "first")});
    RunningDaemon second(second_home, {"--config", nats_config(second_home, server.url(), "second")});
    send(first, spans(0, k_spans / 2));
    ASSERT_TRUE(wait_until("the other has joined", [&] {
        return second.ask("GET", std::string("/api/v1/streams/") + k_stream).status == 200;
    }));
    first.kill();
    first.start();
    send(first, spans(k_spans / 4, k_spans));
    // Only the one that took the first span takes more, and ends the stream.
    const auto elsewhere = second.ask("POST", traces_target(), spans(0, 1));
    EXPECT_EQ(elsewhere.status, 503U);
    EXPECT_NE(elsewhere.body.find(R"(spans of stream \"gateway\" go to node \"first\", )"
                                  R"(and this is \"second\": send them there)"),
              std::string::npos)
        << elsewhere.body;
    EXPECT_EQ(second.ask("POST", k_end, "{}").status, 503U);
    first.post(k_end);
    const std::vector<std::string> dbs = {first.db(), second.db()};
    FinishedRuns found;
    ASSERT_TRUE(wait_until("every run finishes", [&] {
        found = finished_runs(directory, dbs, k_stream);
        return found.hashes.size() == six_scenarios().size();
    }));
    EXPECT_EQ(found.hashes, hashes_alone(alone));
    for (const auto& [scenario, times] : found.times) EXPECT_EQ(times, 1) << scenario;
    for (const std::string& db : dbs) {
        ASSERT_TRUE(wait_until("the log is complete", [&] {
            return query(directory, db, "SELECT sum(arrivals) FROM arrival_batch").at(0).at(0) == k_spans;
        }));
        expect_rows_once(directory, db, k_stream, k_spans);
    }
}

}  // namespace
}  // namespace replayd::testing
