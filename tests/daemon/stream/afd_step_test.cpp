// The mean step of a window on an AFD pool: what is asked of the cost model, and when there is nothing to ask.

#include "daemon/stream/afd_step.hpp"

#include <gtest/gtest.h>

#include "replay/catalog/scenario_toml.hpp"

namespace replayd::stream {
namespace {

std::shared_ptr<const CompiledScenario> compiled(const std::string& name) {
    return compile(parse_scenario(built_in_scenarios().at(name), name).value()).value();
}

/// A window in which each decode step made 40 tokens, with 20 requests of 3,200 tokens of KV at its end.
WindowRecord window(const CompiledScenario& scenario) {
    WindowRecord out;
    out.pools.resize(scenario.scenario.pools.size());
    PoolWindow& decode = out.pools.back();
    decode.steps = 100;
    decode.output_tokens = Tokens(4000);
    decode.running = 20;
    decode.kv_blocks_used = 20 * 3200 / scenario.scenario.pools.back().kv.block.value;
    return out;
}

TEST(AfdStep, every_rank_has_the_mean_batch_of_the_window) {
    const auto scenario = compiled("deepseek-v3-h800-afd");
    const auto steps = afd_steps(*scenario, window(*scenario));
    ASSERT_EQ(steps.size(), 1U);
    EXPECT_EQ(steps[0].pool, scenario->scenario.pools.back().name);
    ASSERT_EQ(static_cast<std::int64_t>(steps[0].ranks.size()), steps[0].cost->ranks());
    for (const StepShape& rank : steps[0].ranks) {
        EXPECT_EQ(rank.decode_sequences, 40);
        EXPECT_EQ(rank.decode_context, 40 * 3200);
        EXPECT_EQ(rank.prefill_tokens, 0);
    }
    const afd::StepView view = steps[0].cost->view(steps[0].ranks);
    EXPECT_GT(view.total.value, 0);
    EXPECT_EQ(view.exposed_network() + view.hidden_network(), view.busy[afd::k_forward] + view.busy[afd::k_return]);
}

TEST(AfdStep, a_window_without_tokens_or_without_requests_has_none) {
    const auto scenario = compiled("deepseek-v3-h800-afd");
    WindowRecord idle = window(*scenario);
    idle.pools.back().output_tokens = Tokens(0);
    EXPECT_TRUE(afd_steps(*scenario, idle).empty());
    WindowRecord drained = window(*scenario);
    drained.pools.back().running = 0;
    EXPECT_TRUE(afd_steps(*scenario, drained).empty());
}

TEST(AfdStep, other_pools_have_none) {
    const auto scenario = compiled("deepseek-v3-h800-pd");
    EXPECT_TRUE(afd_steps(*scenario, window(*scenario)).empty());
}

}  // namespace
}  // namespace replayd::stream
