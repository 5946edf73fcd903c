// The profile cost source on real vLLM runs: under vLLM's own scheduling, written out in vllm_reference.cpp, kernel times of
// the same GPU must give the times that the server measured.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "daemon/replayctl/run_errors.hpp"
#include "daemon/replayctl/vllm_run.hpp"
#include "replay/base/random.hpp"
#include "tests/daemon/replayctl/vllm_reference.hpp"
#include "tests/source_paths.hpp"

namespace replayd::ctl {
namespace {

constexpr const char* k_runs = REPLAYD_SOURCE_DIR "/../shared/data/vllm_runs";

// Turns of one conversation begin with the turns before. The runs' files hold counts of tokens only; these prefixes are
// those of the prompts that were sent (the data set that meta.json names by its hash), in blocks of 16 tokens.
constexpr std::array<SharedPrefix, 32> k_llama_shared = {
    {{47, 40, 28},   {66, 35, 39},    {68, 28, 22},   {79, 17, 53},   {88, 27, 20},    {93, 82, 39},   {117, 45, 24},
     {128, 63, 52},  {139, 117, 62},  {140, 76, 24},  {152, 31, 2},   {158, 107, 38},  {173, 153, 28}, {174, 38, 82},
     {177, 22, 30},  {180, 61, 51},   {183, 31, 19},  {184, 151, 36}, {188, 138, 45},  {200, 109, 16}, {209, 201, 37},
     {220, 146, 32}, {223, 36, 50},   {227, 226, 32}, {235, 56, 52},  {237, 207, 79},  {265, 149, 37}, {280, 147, 51},
     {281, 186, 51}, {285, 165, 45},  {287, 111, 28}, {293, 163, 16}}};
constexpr std::array<SharedPrefix, 32> k_qwen_shared = {
    {{47, 40, 30},   {67, 35, 40},    {70, 28, 22},   {82, 17, 84},   {91, 27, 20},    {96, 85, 39},   {122, 45, 26},
     {133, 64, 53},  {146, 122, 67},  {147, 78, 24},  {159, 31, 2},   {165, 112, 39},  {180, 160, 29}, {181, 38, 84},
     {185, 22, 31},  {188, 62, 51},   {189, 184, 16}, {192, 31, 19},  {193, 158, 36},  {197, 145, 45}, {209, 114, 16},
     {218, 210, 37}, {229, 153, 32},  {232, 36, 56},  {236, 235, 32}, {245, 57, 52},   {247, 216, 79}, {276, 156, 39},
     {291, 154, 53}, {292, 195, 51},  {296, 172, 46}, {298, 116, 28}}};

struct Case {
    const char* run;
    std::span<const SharedPrefix> shared;
};

/// Relative errors by metric: mean, p50, p90, p99.
struct Errors {
    std::array<double, k_figures.size()> ttft{};
    std::array<double, k_figures.size()> tpot{};
    std::array<double, k_figures.size()> e2e{};
};

/// Requests take a few milliseconds from the client to the engine, and which step then sees them, and so which rank a
/// request goes to and who is evicted, is chance. A prediction is the mean over such chances.
constexpr int k_chances = 24;
constexpr std::int64_t k_way_ns_max = 5 * k_ns_per_ms;

std::vector<Arrival> delayed(std::vector<Arrival> arrivals, Random& random) {
    VirtualTime last;
    for (Arrival& arrival : arrivals) {
        arrival.at = std::max(last, arrival.at + Duration(static_cast<std::int64_t>(random.uniform() * static_cast<double>(k_way_ns_max))));
        last = arrival.at;
    }
    return arrivals;
}

RunErrors replayed_once(std::span<const Arrival> arrivals, const CostModel& cost, const ReferenceOptions& options) {
    const auto times = replay_reference(arrivals, cost, options);
    std::vector<RequestRecord> records;
    for (std::size_t i = 0; i < times.size(); ++i) {
        RequestRecord record;
        record.output = arrivals[i].output;
        record.arrived = times[i].queued;
        record.first_token = times[i].first_token;
        record.finished = times[i].finished;
        record.observed_ttft = arrivals[i].observed_ttft;
        record.observed_e2e = arrivals[i].observed_e2e;
        records.push_back(std::move(record));
    }
    return compare(records).value();
}

void add(std::array<double, k_figures.size()>& mean, const std::array<Compared, k_figures.size()>& compared) {
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += compared[i].error() / k_chances;
}

Errors replayed(const Case& wanted) {
    const auto runs = read_vllm_runs(k_runs, Catalog::built_in()).value();
    const auto run = std::find_if(runs.begin(), runs.end(), [&](const VllmRun& each) { return each.name == wanted.run; });
    const auto compiled = compile(scenario_of(*run, true, Catalog::built_in()).value()).value();
    const PoolSpec& pool = compiled->scenario.pools.front();
    ReferenceOptions options;
    options.ranks = pool.parallel.data;
    options.blocks = compiled->plans.front().blocks;
    options.sequences_max = pool.batching.max_sequences;
    options.tokens_max = pool.batching.max_batched_tokens.value;
    options.shared = wanted.shared;
    Random random(1);
    Errors errors;
    for (int chance = 0; chance < k_chances; ++chance) {
        const RunErrors once = replayed_once(delayed(run->arrivals, random), *compiled->costs.front(), options);
        add(errors.ttft, once.ttft);
        add(errors.tpot, once.tpot);
        add(errors.e2e, once.e2e);
    }
    return errors;
}

std::string shown(const Errors& errors) {
    std::string text;
    for (std::size_t i = 0; i < k_figures.size(); ++i) {
        text += std::string(k_figures[i]) + ": TTFT " + std::to_string(errors.ttft[i]) + " TPOT " + std::to_string(errors.tpot[i]) +
                " E2E " + std::to_string(errors.e2e[i]) + "\n";
    }
    return text;
}

void expect_within_targets(const Errors& errors) {
    SCOPED_TRACE(shown(errors));
    constexpr double k_tail = 0.03;
    EXPECT_LT(std::abs(errors.ttft[0]), 0.02) << "mean TTFT";
    EXPECT_LT(std::abs(errors.tpot[0]), 0.01) << "mean TPOT";
    EXPECT_LT(std::abs(errors.e2e[0]), 0.01) << "mean E2E";
    for (std::size_t i = 2; i < k_figures.size(); ++i) {
        EXPECT_LT(std::abs(errors.ttft[i]), k_tail) << "TTFT " << k_figures[i];
        EXPECT_LT(std::abs(errors.tpot[i]), k_tail) << "TPOT " << k_figures[i];
        EXPECT_LT(std::abs(errors.e2e[i]), k_tail) << "E2E " << k_figures[i];
    }
}

#define SKIP_WITHOUT_RUNS() \
    if (!std::filesystem::exists(k_runs)) GTEST_SKIP() << k_runs << " is not there"

// A server out of KV memory: 300 requests queue for minutes and are evicted about 200 times.
TEST(VllmRuns, dense_model_short_of_memory_is_met) {
    SKIP_WITHOUT_RUNS();
    expect_within_targets(replayed({"rtx4090_llama3.1-8b", k_llama_shared}));
}

// Two data-parallel ranks that share 128 experts and step together.
TEST(VllmRuns, expert_parallel_model_is_met) {
    SKIP_WITHOUT_RUNS();
    expect_within_targets(replayed({"rtxpro6000_qwen3-30b-a3b", k_qwen_shared}));
}

}  // namespace
}  // namespace replayd::ctl
