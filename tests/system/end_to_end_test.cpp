// A trace goes from `replayctl stream` through the daemon's websocket, log and engine into SQLite. Every arrival must
// have exactly one row per run, every ledger must sum, and the decisions must be those of `replayctl replay` on the
// same file, however the trace is cut into frames.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include <boost/json/serialize.hpp>

#include "tests/source_paths.hpp"
#include "tests/system/history_checks.hpp"
#include "tests/system/running_daemon.hpp"

namespace replayd::testing {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

/// How a trace is cut and written.
struct Frames {
    int arrivals;
    bool text;  ///< JSON instead of protobuf

    [[nodiscard]] std::string stream() const { return (text ? "json-" : "protobuf-") + std::to_string(arrivals); }
};

void stream_trace(const TemporaryDirectory& directory, const RunningDaemon& daemon, const std::string& trace,
                  const Frames& frames, std::int64_t arrivals) {
    std::vector<std::string> arguments = {"stream",   trace,        "--stream", frames.stream(),
                                          "--batch",  std::to_string(frames.arrivals),
                                          "--daemon", daemon.url(), "--wait"};
    if (frames.text) arguments.emplace_back("--json-frames");
    for (const std::string& scenario : two_scenarios()) arguments.insert(arguments.end(), {"--scenario", scenario});
    const json::value sent = replayctl(directory, arguments);
    ASSERT_TRUE(sent.as_object().contains("arrivals")) << json::serialize(sent);
    EXPECT_EQ(sent.at("arrivals").as_int64(), arrivals);
    EXPECT_EQ(sent.at("reconnects").as_int64(), 0);
}

/// Nearest rank (NIST): the smallest value with at least p percent of the values at or below it.
std::int64_t nearest_rank(std::vector<std::int64_t> values, std::size_t percent) {
    std::sort(values.begin(), values.end());
    return values.at((values.size() * percent + 99) / 100 - 1);
}

std::vector<std::int64_t> column(const json::array& rows, std::size_t index) {
    std::vector<std::int64_t> values;
    for (const json::value& row : rows) {
        if (!row.at(index).is_null()) values.push_back(row.at(index).as_int64());
    }
    return values;
}

/// p50, p90 and p99 of TTFT and TPOT of one minute, computed here from the rows of that minute.
std::string quantiles_of_minute(const TemporaryDirectory& directory, const std::string& db, std::int64_t run,
                                std::int64_t minute) {
    const std::string number = std::to_string(minute);
    const json::array rows =
        query(directory, db,
              "SELECT ttft_ns, tpot_ns FROM request_latency WHERE run_id = " + std::to_string(run) +
                  " AND arrived_ns / 60000000000 = " + number);
    json::array expected;
    for (const std::size_t index : {std::size_t{0}, std::size_t{1}}) {
        const auto values = column(rows, index);
        for (const std::size_t percent : {50u, 90u, 99u}) {
            expected.push_back(values.empty() ? json::value(nullptr) : json::value(nearest_rank(values, percent)));
        }
    }
    return json::serialize(expected);
}

/// The question of a planner: percentiles per minute of each run; checked against the rows of the busiest minute.
void expect_quantiles_per_minute(const TemporaryDirectory& directory, const std::string& db, const std::string& stream,
                                 std::int64_t arrivals) {
    const json::array table =
        query(directory, db,
              "SELECT run_id, arrived_ns / 60000000000 AS minute, count(*), percentile(ttft_ns, 50), "
              "percentile(ttft_ns, 90), percentile(ttft_ns, 99), percentile(tpot_ns, 50), percentile(tpot_ns, 90), "
              "percentile(tpot_ns, 99) FROM request_latency WHERE stream = '" + stream + "' GROUP BY run_id, minute");
    ASSERT_FALSE(table.empty());
    std::int64_t requests = 0;
    const json::value* busiest = &table[0];
    for (const json::value& row : table) {
        requests += row.at(2).as_int64();
        if (row.at(2).as_int64() > busiest->at(2).as_int64()) busiest = &row;
    }
    EXPECT_EQ(requests, arrivals * static_cast<std::int64_t>(two_scenarios().size()));
    json::array answered;
    for (std::size_t i = 3; i < 9; ++i) answered.push_back(busiest->at(i));
    EXPECT_EQ(json::serialize(answered),
              quantiles_of_minute(directory, db, busiest->at(0).as_int64(), busiest->at(1).as_int64()));
}

/// Streams the trace once per way of cutting it, and compares every run with a replay without a daemon.
void expect_same_everywhere(const std::string& trace, std::int64_t arrivals, const std::vector<Frames>& ways,
                            const TemporaryDirectory& directory) {
    const std::string undisturbed = directory / "undisturbed.sqlite";
    const Hashes hashes = replay_hashes(directory, trace, undisturbed, program("replayctl"));
    const std::string sums = row_sums(directory, undisturbed, "undisturbed");
    RunningDaemon daemon(directory);
    for (const Frames& frames : ways) {
        const std::string stream = frames.stream();
        ASSERT_NO_FATAL_FAILURE(stream_trace(directory, daemon, trace, frames, arrivals)) << stream;
        EXPECT_EQ(stored_hashes(directory, daemon.db(), stream), hashes) << stream;
        expect_complete(directory, daemon.db(), stream, arrivals);
        EXPECT_EQ(row_sums(directory, daemon.db(), stream), sums) << stream;
    }
    expect_quantiles_per_minute(directory, daemon.db(), ways.front().stream(), arrivals);
    daemon.terminate();
}

void expect_debug_build_agrees(const std::string& trace, const TemporaryDirectory& directory) {
    const std::string debug = std::string(REPLAYD_SOURCE_DIR) + "/build/debug/replayctl";
    if (!fs::exists(debug)) GTEST_SKIP() << "no Debug replayctl at " << debug << ": ./dev build debug builds it";
    EXPECT_EQ(replay_hashes(directory, trace, "", debug), replay_hashes(directory, trace, "", program("replayctl")));
}

std::string real_trace(const std::string& name) {
    return std::string(REPLAYD_SOURCE_DIR) + "/../shared/data/traces/" + name;
}

constexpr int k_generated = 3'000;
const std::vector<Frames> k_every_way = {{1, false}, {7, false}, {1'000, false}, {1, true}, {7, true}, {1'000, true}};
const std::vector<Frames> k_three_ways = {{1'000, false}, {7, true}, {1, false}};
constexpr const char* k_azure = "AzureLLMInferenceTrace_conv.csv";
constexpr const char* k_mooncake = "mooncake_conversation_trace.jsonl";

// Conversations with shared prefixes, gzip on the way in: always there, so all six ways of cutting are tried.
TEST(EndToEnd, generated_trace_has_one_row_per_run_and_one_hash_however_it_is_cut) {
    const TemporaryDirectory directory;
    const std::string trace = directory / "generated.jsonl.gz";
    generate_trace(directory, trace, k_generated);
    expect_same_everywhere(trace, k_generated, k_every_way, directory);
}

// Optimisation and assertions of the compiler must not change one decision.
TEST(EndToEnd, debug_and_release_agree_on_the_generated_trace) {
    const TemporaryDirectory directory;
    const std::string trace = directory / "generated.jsonl";
    generate_trace(directory, trace, k_generated);
    expect_debug_build_agrees(trace, directory);
}

// An hour of production conversations at Azure.
TEST(EndToEnd, azure_conversations_have_one_row_per_run_and_one_hash_however_they_are_cut) {
    if (!fs::exists(real_trace(k_azure))) GTEST_SKIP() << "no trace at " << real_trace(k_azure);
    const TemporaryDirectory directory;
    expect_same_everywhere(real_trace(k_azure), 19'366, k_three_ways, directory);
}

TEST(EndToEnd, debug_and_release_agree_on_azure_conversations) {
    if (!fs::exists(real_trace(k_azure))) GTEST_SKIP() << "no trace at " << real_trace(k_azure);
    const TemporaryDirectory directory;
    expect_debug_build_agrees(real_trace(k_azure), directory);
}

// An hour of Kimi's conversations with the block hashes of their prefixes, and prompts beyond 100,000 tokens.
TEST(EndToEnd, mooncake_conversations_have_one_row_per_run_and_one_hash_however_they_are_cut) {
    if (!fs::exists(real_trace(k_mooncake))) GTEST_SKIP() << "no trace at " << real_trace(k_mooncake);
    const TemporaryDirectory directory;
    expect_same_everywhere(real_trace(k_mooncake), 12'031, k_three_ways, directory);
}

TEST(EndToEnd, debug_and_release_agree_on_mooncake_conversations) {
    if (!fs::exists(real_trace(k_mooncake))) GTEST_SKIP() << "no trace at " << real_trace(k_mooncake);
    const TemporaryDirectory directory;
    expect_debug_build_agrees(real_trace(k_mooncake), directory);
}

}  // namespace
}  // namespace replayd::testing
