// Real vLLM runs, replayed by the engine's vllm_v1 with kernel times of the same GPU: the times must be those that the server
// measured. Errors reached, in per cent (mean, p90, p99):
//   dense: TTFT +0.8 +0.8 +0.3, TPOT +0.4 +1.5 +0.8, E2E +0.7 +0.4 +0.5
//   MoE:   TTFT -0.6 +1.5 +2.8, TPOT +0.6 -0.0 +0.1, E2E +0.6 +0.2 +0.6

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "daemon/replayctl/run_errors.hpp"
#include "daemon/replayctl/vllm_run.hpp"
#include "tests/source_paths.hpp"

namespace replayd::ctl {
namespace {

/// The first `blocks` blocks of a prompt are those of an earlier request, the donor.
struct SharedPrefix {
    std::int64_t request = 0;  ///< index of the arrival
    std::int64_t donor = 0;
    std::int64_t blocks = 0;
};

constexpr std::int64_t k_block_tokens = 16;

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

/// Block `block` of the prompt of a request, told from all others.
std::uint64_t block_hash(std::span<const SharedPrefix> shared, std::int64_t request, std::int64_t block) {
    const auto from = std::find_if(shared.begin(), shared.end(), [&](const SharedPrefix& each) { return each.request == request; });
    if (from != shared.end() && block < from->blocks) return block_hash(shared, from->donor, block);
    return static_cast<std::uint64_t>(request * 100'000 + block);
}

/// With the hashes that the prompts would have had in the server.
std::vector<Arrival> hashed(std::vector<Arrival> arrivals, std::span<const SharedPrefix> shared) {
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
        arrivals[i].prefix_block = Tokens(k_block_tokens);
        for (std::int64_t block = 0; block < arrivals[i].prompt.value / k_block_tokens; ++block) {
            arrivals[i].prefix_hashes.push_back(block_hash(shared, static_cast<std::int64_t>(i), block));
        }
    }
    return arrivals;
}

RunErrors replayed(const Case& wanted) {
    const auto runs = read_vllm_runs(k_runs, Catalog::built_in()).value();
    const auto run = std::find_if(runs.begin(), runs.end(), [&](const VllmRun& each) { return each.name == wanted.run; });
    const auto compiled = compile(scenario_of(*run, true, Catalog::built_in()).value()).value();
    return mean_replay_errors(compiled, hashed(run->arrivals, wanted.shared)).value();
}

std::string shown(const RunErrors& errors) {
    std::string text;
    for (std::size_t i = 0; i < k_figures.size(); ++i) {
        text += std::string(k_figures[i]) + ": TTFT " + std::to_string(errors.ttft[i].error()) + " TPOT " + std::to_string(errors.tpot[i].error()) +
                " E2E " + std::to_string(errors.e2e[i].error()) + "\n";
    }
    return text;
}

void expect_within_targets(const RunErrors& errors) {
    SCOPED_TRACE(shown(errors));
    std::printf("%s", shown(errors).c_str());
    constexpr double k_tail = 0.03;
    EXPECT_LT(std::abs(errors.ttft[0].error()), 0.02) << "mean TTFT";
    EXPECT_LT(std::abs(errors.tpot[0].error()), 0.01) << "mean TPOT";
    EXPECT_LT(std::abs(errors.e2e[0].error()), 0.01) << "mean E2E";
    for (std::size_t i = 2; i < k_figures.size(); ++i) {
        EXPECT_LT(std::abs(errors.ttft[i].error()), k_tail) << "TTFT " << k_figures[i];
        EXPECT_LT(std::abs(errors.tpot[i].error()), k_tail) << "TPOT " << k_figures[i];
        EXPECT_LT(std::abs(errors.e2e[i].error()), k_tail) << "E2E " << k_figures[i];
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
