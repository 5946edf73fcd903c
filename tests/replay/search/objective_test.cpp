// Judging trials: excess, prices, goodput, Pareto fronts.

#include "replay/search/objective.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "replay/search/pareto.hpp"

namespace replayd::search {
namespace {

Measured good() {
    Measured out;
    out.possible = true;
    out.requests = out.finished = 100;
    out.within_slo = 90;
    out.ttft_p99 = Duration(500);
    out.tpot_p99 = Duration(20);
    out.output_tokens = Tokens(2'000'000);
    out.span = Duration(3600 * k_ns_per_s);
    out.price_per_hour = 6;
    return out;
}

TEST(Objective, the_worst_limit_decides) {
    EXPECT_DOUBLE_EQ(excess(good(), {.ttft_p99 = Duration(1000), .tpot_p99 = Duration(25)}), 0.8);
    EXPECT_DOUBLE_EQ(excess(good(), {.ttft_p99 = Duration(250), .tpot_p99 = Duration(25)}), 2);
    EXPECT_TRUE(holds(good(), {.ttft_p99 = Duration(500)}));
    EXPECT_FALSE(holds(good(), {.ttft_p99 = Duration(499)}));
}

TEST(Objective, rejected_requests_and_missed_attainment_are_misses) {
    Measured rejecting = good();
    rejecting.rejected = 1;
    EXPECT_GT(excess(rejecting, {.ttft_p99 = Duration(1000)}), 1);
    EXPECT_TRUE(holds(good(), {.attainment = 0.9}));
    EXPECT_FALSE(holds(good(), {.attainment = 0.91}));
}

TEST(Objective, what_is_not_possible_misses_infinitely) {
    EXPECT_TRUE(std::isinf(excess(Measured{}, {.ttft_p99 = Duration(1)})));
    EXPECT_TRUE(std::isinf(price_per_million_tokens(Measured{})));
}

TEST(Objective, prices_are_per_million_tokens_of_the_whole_trial) {
    EXPECT_DOUBLE_EQ(price_per_million_tokens(good()), 3);
    EXPECT_DOUBLE_EQ(goodput(good()), 90.0 / 3600);
}

// Replicas × GPUs of each pool; an unpriced GPU counts as 1.
TEST(Objective, a_cluster_costs_the_sum_of_its_gpus) {
    Scenario scenario;
    scenario.pools.resize(2);
    scenario.pools[0].gpu.name = "A";
    scenario.pools[0].replicas = 3;
    scenario.pools[0].parallel.tensor = 4;
    scenario.pools[1].gpu.name = "B";
    scenario.pools[1].replicas = 2;
    EXPECT_EQ(gpus_of(scenario), 14);
    EXPECT_DOUBLE_EQ(price_of(scenario, {}), 14);
    EXPECT_DOUBLE_EQ(price_of(scenario, {{"A", 2.5}}), 32);
}

TEST(ParetoFront, keeps_what_nothing_beats) {
    const double never = std::numeric_limits<double>::infinity();
    const std::vector<Figures> points = {{3, 1}, {1, 3}, {2, 2}, {2, 2}, {2, 3}, {1, 4}, {0, never}};
    EXPECT_EQ(pareto_front(points), (std::vector<std::size_t>{1, 2, 0}));
    EXPECT_TRUE(pareto_front({}).empty());
}

}  // namespace
}  // namespace replayd::search
