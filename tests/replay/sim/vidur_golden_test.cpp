// Scheduling decisions of microsoft/vidur under a closed-form batch cost (5 ms + 50 µs per prefill token + 100 µs
// per decode sequence and stage), compared batch by batch: members, tokens, order, replica and times.

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/replay/sim/fixture.hpp"
#include "tests/source_paths.hpp"

namespace replayd::test {
namespace {

const std::string k_golden = REPLAYD_SOURCE_DIR "/../shared/data/golden_vidur";

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::vector<std::vector<std::string>> read_csv(const std::string& path) {
    std::vector<std::vector<std::string>> rows;
    std::istringstream in(read_file(path));
    for (std::string line; std::getline(in, line);) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
        std::istringstream cells(line);
        rows.emplace_back();
        for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(cell);
    }
    rows.erase(rows.begin());
    return rows;
}

std::int64_t to_ns(const std::string& seconds) { return std::llround(std::stod(seconds) * 1e9); }

std::int64_t number(const boost::json::object& meta, const char* key, std::int64_t otherwise) {
    const boost::json::value* found = meta.if_contains(key);
    return found == nullptr || found->is_null() ? otherwise : found->to_number<std::int64_t>();
}

BatchPolicyKind policy_of(std::string_view name) {
    static const std::map<std::string_view, BatchPolicyKind> kinds = {
        {"vllm", BatchPolicyKind::vllm},
        {"sarathi", BatchPolicyKind::sarathi},
        {"orca", BatchPolicyKind::orca},
        {"faster_transformer", BatchPolicyKind::faster_transformer},
        {"lightllm", BatchPolicyKind::lightllm}};
    return kinds.at(name);
}

Scenario scenario_of(const boost::json::object& meta) {
    Scenario scenario = mixed_scenario(meta.at("replicas").to_number<std::int64_t>(), number(meta, "num_blocks", 0));
    PoolSpec& spec = scenario.pools[0];
    const std::string_view policy = meta.at("replica_scheduler").as_string();
    spec.batching.policy = policy_of(policy);
    spec.kv.block = Tokens(number(meta, "block_size", 16));
    spec.parallel.pipeline = number(meta, "pp", 1);
    spec.max_context = Tokens(number(meta, "max_tokens", 4096));
    spec.batching.watermark = meta.at("watermark_blocks_fraction").to_number<double>();
    spec.batching.max_batched_tokens = Tokens(number(meta, "chunk_size", number(meta, "max_tokens_in_batch", 4096)));
    const std::int64_t cap = number(meta, "batch_size_cap", 128);
    const bool planned = policy == "orca" || policy == "faster_transformer";
    spec.batching.max_sequences = planned ? std::min(cap, number(meta, "memory_planner_max_batch_size", cap)) : cap;
    spec.router = meta.at("global_scheduler").as_string() == "lor" ? RouterKind::lor : RouterKind::round_robin;
    return scenario;
}

std::vector<Arrival> arrivals_of(const std::string& directory) {
    std::vector<Arrival> arrivals;
    for (const auto& row : read_csv(directory + "/trace.csv")) {
        arrivals.push_back(arrival(static_cast<std::int64_t>(arrivals.size()), to_ns(row[0]),
                                   static_cast<std::int64_t>(std::stod(row[1])),
                                   static_cast<std::int64_t>(std::stod(row[2]))));
    }
    return arrivals;
}

std::string members_of(const BatchRecord& batch) {
    std::string text;
    for (const BatchMember& member : batch.members) {
        if (!text.empty()) text += ' ';
        text += std::to_string(member.sequence) + ':' + std::to_string(member.tokens.value) +
                (member.prefill ? ":P" : ":D");
    }
    return text;
}

class VidurGolden : public testing::TestWithParam<std::string> {};

TEST_P(VidurGolden, batches_and_times_are_identical) {
    const std::string directory = k_golden + "/" + GetParam();
    if (!std::filesystem::exists(directory)) GTEST_SKIP() << "no " << directory;
    const boost::json::value meta = boost::json::parse(read_file(directory + "/meta.json"));
    const Scenario scenario = scenario_of(meta.as_object());
    const std::vector<Arrival> arrivals = arrivals_of(directory);
    const Outcomes out = replay(scenario, arrivals, {}, true);

    // Batches of different replicas that are formed at the same instant are numbered differently; so the
    // comparison goes replica by replica.
    std::map<std::int64_t, std::vector<std::vector<std::string>>> expected;
    for (auto& row : read_csv(directory + "/batches.csv")) expected[std::stoll(row[1])].push_back(row);
    std::map<std::int64_t, std::size_t> position;
    for (const BatchRecord& batch : out.sink.batches) {
        const auto& rows = expected[batch.replica];
        const std::size_t at = position[batch.replica]++;
        ASSERT_LT(at, rows.size()) << "replica " << batch.replica << " runs more batches";
        const auto& row = rows[at];
        ASSERT_EQ(members_of(batch), row[10]) << "batch " << at << " of replica " << batch.replica << " at " << row[2];
        ASSERT_LE(std::abs(batch.scheduled.ns - to_ns(row[2])), 10) << "batch " << at;
        ASSERT_LE(std::abs(batch.finished.ns - to_ns(row[3])), 10) << "batch " << at;
    }
    for (const auto& [replica, rows] : expected) EXPECT_EQ(position[replica], rows.size()) << "replica " << replica;

    const auto requests = read_csv(directory + "/requests.csv");
    ASSERT_EQ(out.sink.requests.size(), requests.size());
    for (const RequestRecord& record : out.sink.requests) {
        const auto& row = requests[static_cast<std::size_t>(record.sequence)];
        ASSERT_EQ(record.prefill_replica, std::stoll(row[1]));
        ASSERT_LE(std::abs(record.scheduled.ns - to_ns(row[5])), 10) << record.id;
        ASSERT_LE(std::abs(record.first_token.ns - to_ns(row[6])), 10) << record.id;
        ASSERT_LE(std::abs(record.finished.ns - to_ns(row[7])), 10) << record.id;
        ASSERT_EQ(record.preemptions, std::stoll(row[13])) << record.id;
    }
    // And the decode stretches, which the recording of batches turns off, end at the same hash.
    EXPECT_EQ(replay(scenario, arrivals).hash, out.hash);
}

std::vector<std::string> cases() {
    std::vector<std::string> names;
    if (std::filesystem::exists(k_golden)) {
        for (const auto& entry : std::filesystem::directory_iterator(k_golden)) {
            const std::string name = entry.path().filename();
            if (entry.is_directory() && !name.starts_with("defect_")) names.push_back(name);
        }
    }
    std::sort(names.begin(), names.end());
    if (names.empty()) names.push_back("absent");
    return names;
}

INSTANTIATE_TEST_SUITE_P(All, VidurGolden, testing::ValuesIn(cases()), [](const auto& test) { return test.param; });

// vidur's defect: a request evicted in the middle of its prefill loses the rest of its prompt. Ours computes the
// whole prompt before the first token, so its first token is never earlier than in the reference.
TEST(VidurGoldenDefect, a_partial_victim_keeps_its_prompt) {
    const std::string directory = k_golden + "/defect_sarathi_partial_victim";
    if (!std::filesystem::exists(directory)) GTEST_SKIP() << "no " << directory;
    const boost::json::value meta = boost::json::parse(read_file(directory + "/meta.json"));
    const std::vector<Arrival> arrivals = arrivals_of(directory);
    const Outcomes out = replay(scenario_of(meta.as_object()), arrivals, {}, true);
    std::vector<std::int64_t> prefilled(arrivals.size());
    std::int64_t partial_victims = 0;
    std::vector<std::int64_t> since_start(arrivals.size());
    for (const BatchRecord& batch : out.sink.batches) {
        for (const BatchMember& member : batch.members) {
            const auto index = static_cast<std::size_t>(member.sequence);
            if (member.prefill) {
                since_start[index] += member.tokens.value;
            } else if (prefilled[index] == 0) {
                // The first decode step comes after a complete prompt.
                EXPECT_GE(since_start[index], arrivals[index].prompt.value);
                if (since_start[index] > arrivals[index].prompt.value) ++partial_victims;
                prefilled[index] = 1;
            }
        }
    }
    EXPECT_GT(partial_victims, 0) << "the case must contain an eviction in mid-prefill";
    for (const RequestRecord& record : out.sink.requests) EXPECT_EQ(record.outcome, Outcome::finished);
}

}  // namespace
}  // namespace replayd::test
