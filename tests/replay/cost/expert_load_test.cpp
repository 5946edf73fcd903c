#include "replay/cost/expert_load.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "replay/base/random.hpp"

namespace replayd::cost {
namespace {

// Figures of DeepSeek-V3's geometry (256 experts, top 8), computed from the binomials by hand.
TEST(ExpertLoad, distinct_groups_follow_the_hypergeometric_law) {
    const ExpertLoad load(1, 8, 256, 8);
    EXPECT_NEAR(load.distinct_groups(1), 1.0, 1e-12);
    EXPECT_NEAR(load.distinct_groups(8), 5.30, 0.01);
    EXPECT_NEAR(load.distinct_groups(16), 6.52, 0.01);
    EXPECT_NEAR(load.distinct_groups(32), 7.27, 0.01);
    EXPECT_NEAR(load.distinct_groups(64), 7.68, 0.01);
    EXPECT_NEAR(load.distinct_groups(256), 8.0, 1e-9);
}

// One token wakes exactly top_k experts of the whole model; many wake all.
TEST(ExpertLoad, active_experts_grow_from_top_k_to_all) {
    const ExpertLoad whole(1, 8, 128, 1);
    EXPECT_DOUBLE_EQ(whole.active_experts(1), 8.0);
    EXPECT_NEAR(whole.active_experts(16), 128 * (1 - 0.3560741304), 1e-6);  // (1 - 8/128)^16
    EXPECT_DOUBLE_EQ(whole.active_experts(100'000), 128.0);
    // The slowest of four ranks touches more than a quarter of them.
    EXPECT_GT(ExpertLoad(4, 8, 128, 4).active_experts(4), whole.active_experts(16) / 4);
    EXPECT_LT(ExpertLoad(4, 8, 128, 4).active_experts(4), whole.active_experts(16) / 3);
}

// One rank holds every routed row; a rank never gets more than one row per token and local expert.
TEST(ExpertLoad, routed_rows_are_bounded_by_what_a_rank_can_take) {
    EXPECT_DOUBLE_EQ(ExpertLoad(1, 8, 128, 1).routed_rows(10), 80.0);
    EXPECT_LE(ExpertLoad(1, 8, 128, 128).routed_rows(1), 1.0);
    EXPECT_DOUBLE_EQ(ExpertLoad(1, 1, 2, 2).routed_rows(1), 1.0);  // the law alone says 1.3
}

/// `count` distinct experts out of `experts`, by partial shuffle, counted per rank.
std::int64_t heaviest_rank(Random& random, std::int64_t tokens) {
    constexpr std::size_t k_experts = 256, k_top = 8, k_ranks = 32;
    std::vector<std::size_t> order(k_experts);
    for (std::size_t i = 0; i < k_experts; ++i) order[i] = i;
    std::vector<std::int64_t> rows(k_ranks, 0);
    for (std::int64_t token = 0; token < tokens; ++token) {
        for (std::size_t i = 0; i < k_top; ++i) {
            std::swap(order[i], order[i + random.below(k_experts - i)]);
            ++rows[order[i] / (k_experts / k_ranks)];
        }
    }
    return *std::max_element(rows.begin(), rows.end());
}

// The law against simulated routing: mean heaviest rank of 40 draws.
TEST(ExpertLoad, slowest_rank_agrees_with_simulated_routing_within_a_tenth) {
    Random random(7);
    const ExpertLoad load(1, 8, 256, 32);
    for (const std::int64_t tokens : {64, 256, 4'096}) {
        double sum = 0;
        for (int i = 0; i < 40; ++i) sum += static_cast<double>(heaviest_rank(random, tokens));
        EXPECT_NEAR(load.routed_rows(tokens) / (sum / 40), 1.0, 0.1) << tokens;
    }
}

}  // namespace
}  // namespace replayd::cost
