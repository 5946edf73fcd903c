#include <algorithm>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "replay/cost/cost_model.hpp"

namespace replayd {
namespace {

Scenario linear_scenario(std::int64_t step, std::int64_t prefill_token, std::int64_t decode_sequence) {
    Scenario scenario;
    scenario.cost = CostSource::linear;
    scenario.linear = {Duration(step), Duration(prefill_token), Duration(decode_sequence)};
    return scenario;
}

PoolSpec pool_with_stages(std::int64_t stages) {
    PoolSpec pool;
    pool.name = "only";
    pool.parallel.pipeline = stages;
    return pool;
}

// 5 µs + 7 × 100 ns + 3 × 11 ns, by hand, on each of two stages.
TEST(LinearCost, step_is_the_stated_sum_on_every_stage) {
    const auto model = make_cost_model(linear_scenario(5'000, 100, 11), pool_with_stages(2));
    ASSERT_TRUE(model) << model.error().message;
    std::vector<Duration> out(2);
    StepShape shape;
    shape.prefill_tokens = 7;
    shape.decode_sequences = 3;
    (*model)->step(shape, out);
    EXPECT_EQ((*model)->stages(), 2);
    EXPECT_EQ(out[0].value, 5'733);
    EXPECT_EQ(out[1].value, 5'733);
}

// Pairs, contexts and sampled rows are no part of the law.
TEST(LinearCost, ignores_contexts_and_sampled_rows) {
    const auto model = make_cost_model(linear_scenario(5'000, 100, 11), pool_with_stages(1));
    ASSERT_TRUE(model);
    std::vector<Duration> out(1);
    (*model)->step({.prefill_tokens = 1,
                    .prefill_sequences = 1,
                    .prefill_pairs = 99,
                    .prefill_context = 99,
                    .decode_sequences = 1,
                    .decode_context = 4'096,
                    .sampled_sequences = 2},
                   out);
    EXPECT_EQ(out[0].value, 5'111);
}

TEST(LinearCost, empty_step_costs_nothing) {
    const auto model = make_cost_model(linear_scenario(5'000, 100, 11), pool_with_stages(1));
    ASSERT_TRUE(model);
    std::vector<Duration> out(1, Duration(1));
    (*model)->step({}, out);
    EXPECT_EQ(out[0].value, 0);
    EXPECT_TRUE((*model)->explain({}).empty());
}

// The contract of CostModel: operators' totals sum to the stages' times.
TEST(LinearCost, explain_sums_to_the_stages) {
    const auto model = make_cost_model(linear_scenario(5'000, 100, 11), pool_with_stages(3));
    ASSERT_TRUE(model);
    StepShape shape;
    shape.prefill_tokens = 123;
    shape.decode_sequences = 45;
    std::vector<Duration> out(3);
    (*model)->step(shape, out);
    Duration total;
    for (const auto& part : (*model)->explain(shape)) {
        EXPECT_EQ(part.total, part.count * (part.fixed + std::max(part.compute, part.memory))) << part.name;
        total += part.total;
    }
    EXPECT_EQ(total, out[0] + out[1] + out[2]);
}

// Each refusal names the field, the value, and what would do.
TEST(LinearCost, refuses_impossible_coefficients_with_one_clear_message) {
    const struct {
        Scenario scenario;
        std::int64_t stages;
        const char* message;
    } cases[] = {
        {linear_scenario(-1, 1, 1), 1,
         "linear cost: step_us is -1 ns: expected 0 to 3600000000000 ns (one hour)"},
        {linear_scenario(1, -5, 1), 1,
         "linear cost: prefill_token_us is -5 ns: expected 0 to 3600000000000 ns (one hour)"},
        {linear_scenario(1, 1, 3'600'000'000'001), 1,
         "linear cost: decode_seq_us is 3600000000001 ns: expected 0 to 3600000000000 ns (one hour)"},
        {linear_scenario(0, 1, 0), 1,
         "linear cost: step_us is 0, so a step could take no time: expected step_us > 0, or both "
         "prefill_token_us and decode_seq_us > 0"},
        {linear_scenario(1, 1, 1), 0, "pool \"only\": parallel.pipeline is 0: expected 1 or more stages"},
    };
    for (const auto& bad : cases) {
        const auto model = make_cost_model(bad.scenario, pool_with_stages(bad.stages));
        ASSERT_FALSE(model) << bad.message;
        EXPECT_EQ(model.error().code, Code::invalid_argument);
        EXPECT_EQ(model.error().message, bad.message);
    }
}

}  // namespace
}  // namespace replayd
