// Real vLLM runs, replayed by the engine's vllm_v1 with kernel times of the same GPU: the times must be those that the
// server measured. Errors reached, in per cent (mean, p90, p99):
//   dense: TTFT +0.8 +0.8 +0.3, TPOT +0.4 +1.5 +0.8, E2E +0.7 +0.4 +0.5
//   MoE:   TTFT -0.6 +1.5 +2.8, TPOT +0.6 -0.0 +0.1, E2E +0.6 +0.2 +0.6

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>

#include "daemon/replayctl/run_errors.hpp"
#include "daemon/replayctl/shared_prefixes.hpp"
#include "daemon/replayctl/vllm_run.hpp"
#include "tests/source_paths.hpp"

namespace replayd::ctl {
namespace {

constexpr const char* k_runs = REPLAYD_SOURCE_DIR "/../shared/data/vllm_runs";

/// `prompts`: the public set that they are.
RunErrors replayed(const std::string& name, const std::string& prompts) {
    auto runs = read_vllm_runs(k_runs, Catalog::built_in()).value();
    const auto run = std::find_if(runs.begin(), runs.end(), [&](const VllmRun& each) { return each.name == name; });
    const auto known = known_prompts(run->arrivals).value();
    EXPECT_EQ(known.name, prompts);
    share_prefixes(known.shared, run->arrivals);
    const auto compiled = compile(scenario_of(*run, true, Catalog::built_in()).value()).value();
    return mean_replay_errors(compiled, run->arrivals).value();
}

std::string shown(const RunErrors& errors) {
    std::string text;
    for (std::size_t i = 0; i < k_figures.size(); ++i) {
        text += std::string(k_figures[i]) + ": TTFT " + std::to_string(errors.ttft[i].error()) + " TPOT " +
                std::to_string(errors.tpot[i].error()) + " E2E " + std::to_string(errors.e2e[i].error()) + "\n";
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
    expect_within_targets(replayed("rtx4090_llama3.1-8b", "sharegpt_300_llama_3.1"));
}

// Two data-parallel ranks that share 128 experts and step together.
TEST(VllmRuns, expert_parallel_model_is_met) {
    SKIP_WITHOUT_RUNS();
    expect_within_targets(replayed("rtxpro6000_qwen3-30b-a3b", "sharegpt_300_qwen3"));
}

}  // namespace
}  // namespace replayd::ctl
