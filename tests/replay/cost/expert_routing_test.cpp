// Routing laws, placements and their plans.

#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "replay/base/random.hpp"
#include "replay/cost/expected_load.hpp"
#include "replay/cost/expert_load.hpp"

namespace replayd::cost {
namespace {

MoeSpec deepseek() {
    MoeSpec moe;
    moe.experts = 256;
    moe.top_k = 8;
    return moe;
}

MoeRoutingSpec zipf(double exponent) {
    MoeRoutingSpec routing;
    routing.law = RoutingLaw::zipf;
    routing.exponent = exponent;
    return routing;
}

ExpertGroup ranks_of(std::int64_t ranks, std::int64_t redundant = 0) {
    ExpertGroup group;
    group.ranks = ranks;
    group.redundant = redundant;
    return group;
}

double busiest_over_mean(const MoeRoutingSpec& routing, std::int64_t tokens, std::int64_t redundant = 0) {
    const ExpertLoad load(deepseek(), routing, ranks_of(32, redundant));
    return load.routed_rows(tokens) / (static_cast<double>(tokens) * 8 / 32);
}

// The specification's own simulation (section 7): 256 experts, top 8, 32 ranks; a few draws of the order, ± 10 %.
TEST(ExpertRouting, busiest_rank_agrees_with_the_published_simulation) {
    const struct {
        double exponent, of_256, of_4096;
    } rows[] = {{0.3, 1.53, 1.35}, {0.6, 2.10, 2.11}, {1.0, 3.8, 3.6}};
    EXPECT_NEAR(busiest_over_mean({}, 256), 1.27, 0.1);
    EXPECT_NEAR(busiest_over_mean({}, 4'096), 1.05, 0.05);
    for (const auto& row : rows) {
        EXPECT_NEAR(busiest_over_mean(zipf(row.exponent), 256) / row.of_256, 1, 0.15) << row.exponent;
        EXPECT_NEAR(busiest_over_mean(zipf(row.exponent), 4'096) / row.of_4096, 1, 0.15) << row.exponent;
    }
}

// A plan from the same counts evens the means out; a plan from older ones less so; none at all least.
TEST(ExpertRouting, eplb_evens_out_what_its_plan_knew) {
    MoeRoutingSpec routing = zipf(1.0);
    const auto imbalance = [&] { return ExpertLoad(deepseek(), routing, ranks_of(32, 32)).imbalance(); };
    const double unplanned = imbalance();
    routing.eplb = true;
    const double fresh = imbalance();
    EXPECT_LT(fresh, 1.05);
    double before = fresh;
    for (const double drift : {0.1, 0.5}) {
        routing.plan_drift = drift;
        const double lagging = imbalance();
        EXPECT_GT(lagging, before) << drift;
        EXPECT_LT(lagging, unplanned + 0.2) << drift;
        before = lagging;
    }
}

TEST(ExpertRouting, a_histogram_is_followed_and_its_plan_may_be_older) {
    MoeSpec moe;
    moe.experts = 4;
    moe.top_k = 1;
    MoeRoutingSpec routing;
    routing.law = RoutingLaw::histogram;
    routing.counts = {{6, 2, 1, 1}};
    EXPECT_NEAR(ExpertLoad(moe, routing, ranks_of(2)).imbalance(), 1.6, 1e-12);  // experts 0 and 1 on one rank
    routing.eplb = true;
    EXPECT_NEAR(ExpertLoad(moe, routing, ranks_of(2)).imbalance(), 1.4, 1e-12);  // 6 + 1 against 2 + 1
    EXPECT_NEAR(ExpertLoad(moe, routing, ranks_of(2, 2)).imbalance(), 1.0, 1e-12);  // a third of expert 0 or so each
    routing.plan_counts = {{1, 1, 2, 6}};
    EXPECT_GT(ExpertLoad(moe, routing, ranks_of(2, 2)).imbalance(), 1.1);
}

// Chances are those of drawing distinct experts one after another: against a simulation of Zipf(1).
TEST(ExpertRouting, inclusion_chances_agree_with_drawing_without_replacement) {
    std::vector<double> weights(16);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = 1.0 / static_cast<double>(i + 1);
    const std::vector<double> chances = inclusion_chances(weights, 4);
    EXPECT_NEAR(std::accumulate(chances.begin(), chances.end(), 0.0), 4, 1e-9);
    Random random(11);
    std::vector<double> drawn(weights.size(), 0);
    constexpr int k_draws = 20'000;
    for (int i = 0; i < k_draws; ++i) {
        std::vector<double> left = weights;
        for (int k = 0; k < 4; ++k) {
            double at =
                static_cast<double>(random.below(1'000'000)) * 1e-6 * std::accumulate(left.begin(), left.end(), 0.0);
            std::size_t expert = 0;
            while (expert + 1 < left.size() && (left[expert] == 0 || at >= left[expert])) at -= left[expert++];
            ++drawn[expert];
            left[expert] = 0;
        }
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
        EXPECT_NEAR(chances[i], drawn[i] / k_draws, 0.03) << i << " seed 11";
    }
}

TEST(ExpertRouting, counted_chances_stay_below_certainty) {
    const std::vector<double> chances = counted_chances({90, 5, 5, 0}, 2);
    EXPECT_EQ(chances, (std::vector<double>{1, 0.5, 0.5, 0}));
}

// With as few tokens as one, the rank that has any work has a whole row and a whole expert to read.
TEST(ExpertRouting, empty_ranks_do_not_thin_out_the_slowest) {
    const ExpertLoad load(deepseek(), {}, ranks_of(256));
    EXPECT_GE(load.routed_rows(1), 1);
    EXPECT_GE(load.active_experts(1), 0.6);
    EXPECT_LE(load.received_tokens(1), 1);
}

TEST(ExpertRouting, rows_are_padded_to_whole_blocks) {
    const ExpertLoad load(deepseek(), {}, ranks_of(32));
    for (const std::int64_t rows : {1, 64, 512, 8'192}) {
        for (const std::int64_t block : k_row_blocks) {
            EXPECT_GE(load.padded_rows(rows, block), load.routed_rows(rows)) << rows;
            EXPECT_LE(load.padded_rows(rows, block), load.routed_rows(rows) + 8.0 * static_cast<double>(block)) << rows;
        }
    }
    EXPECT_NEAR(expected_padded(1, 1, 64), 64, 1e-6);
    EXPECT_NEAR(expected_padded(1e6, 0.5, 128), 5e5 + 64, 1);
}

// DeepSeek-V3 limits a token to 4 of 8 groups: on 8 nodes to 4 nodes at most.
TEST(ExpertRouting, groups_limit_the_nodes_that_a_token_reaches) {
    MoeSpec moe = deepseek();
    const double unlimited = ExpertLoad(moe, {}, ranks_of(64)).distinct_groups(8);
    moe.groups = 8;
    moe.groups_per_token = 4;
    const ExpertLoad limited(moe, {}, ranks_of(64));
    EXPECT_NEAR(unlimited, 5.30, 0.01);
    EXPECT_NEAR(limited.distinct_groups(8), 3.63, 0.01);  // 4 × (1 − C(96, 8) / C(128, 8))
    EXPECT_NEAR(limited.distinct_groups(1), 1, 1e-9);
    EXPECT_LT(limited.distinct_groups(4), ExpertLoad(deepseek(), {}, ranks_of(64)).distinct_groups(4));
}

TEST(ExpertRouting, more_tokens_never_mean_less_of_anything) {
    for (const MoeRoutingSpec& routing : {MoeRoutingSpec{}, zipf(0.6)}) {
        const ExpertLoad load(deepseek(), routing, ranks_of(32));
        for (std::int64_t rows = 1; rows < 20'000; rows += 1 + rows / 37) {
            EXPECT_LE(load.routed_rows(rows), load.routed_rows(rows + 1)) << rows;
            EXPECT_LE(load.active_experts(rows), load.active_experts(rows + 1)) << rows;
            EXPECT_LE(load.received_tokens(rows), load.received_tokens(rows + 1)) << rows;
            EXPECT_LE(load.padded_rows(rows, 64), load.padded_rows(rows + 1, 64)) << rows;
        }
    }
}

}  // namespace
}  // namespace replayd::cost
