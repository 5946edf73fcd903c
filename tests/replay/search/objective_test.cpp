// Judging trials: excess, prices, goodput, Pareto fronts.

#include "replay/search/objective.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "replay/base/random.hpp"
#include "replay/search/pareto.hpp"
#include "replay/stats/histogram.hpp"

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

RequestRecord served(std::int64_t ttft, std::int64_t tpot, std::int64_t output) {
    RequestRecord out;
    out.output = Tokens(output);
    out.first_token = VirtualTime(ttft);
    out.finished = VirtualTime(ttft + tpot * (output - 1));
    return out;
}

/// The figures of the whole trial, as a search measures them.
Measured measured(const std::vector<RequestRecord>& records, const std::vector<bool>& within) {
    Measured out;
    out.possible = true;
    Histogram ttft;
    Histogram tpot;
    Histogram e2e;
    for (std::size_t i = 0; i < records.size(); ++i) {
        ++out.requests;
        if (records[i].outcome == Outcome::rejected) {
            ++out.rejected;
            continue;
        }
        ++out.finished;
        out.within_slo += within[i] ? 1 : 0;
        ttft.record(records[i].ttft().value);
        e2e.record(records[i].e2e().value);
        if (const auto each = records[i].tpot()) tpot.record(each->value);
    }
    out.ttft_p99 = Duration(ttft.quantile(0.99));
    out.tpot_p99 = Duration(tpot.quantile(0.99));
    out.e2e_p99 = Duration(e2e.quantile(0.99));
    return out;
}

// The bound behind stop_early: over random trials near the border, a lost objective never holds in the end, and the
// figures at the moment it is lost miss it too.
TEST(MissCounter, what_is_lost_misses_in_the_end) {
    constexpr std::uint64_t k_seed = 20'261'122;
    Random random(k_seed);
    int lost = 0;
    int held = 0;
    for (int round = 0; round < 2'000; ++round) {
        const auto count = static_cast<std::int64_t>(1 + random.below(400));
        const Objective objective{.ttft_p99 = Duration(random.below(2) == 0 ? 1000 : 0),
                                  .tpot_p99 = Duration(random.below(2) == 0 ? 100 : 0),
                                  .e2e_p99 = Duration(random.below(2) == 0 ? 6500 : 0),
                                  .attainment = random.below(2) == 0 ? 0.98 : 0};
        std::vector<RequestRecord> records;
        std::vector<bool> within;
        const std::uint64_t slow_of = 50 + random.below(150);
        for (std::int64_t i = 0; i < count; ++i) {
            const auto far = static_cast<std::int64_t>(random.below(slow_of) == 0 ? 3 : 1);
            const auto output = static_cast<std::int64_t>(1 + random.below(100));
            records.push_back(served(far * 500, far * 60, output));
            if (random.below(20'000) == 0) records.back().outcome = Outcome::rejected;
            within.push_back(random.below(80) != 0);
        }
        const auto with_tpot =
            std::count_if(records.begin(), records.end(), [](const RequestRecord& r) { return r.output.value >= 2; });
        MissCounter misses(objective, count, with_tpot);
        const bool holds_at_end = holds(measured(records, within), objective);
        for (std::size_t i = 0; i < records.size(); ++i) {
            misses.count(records[i], within[i]);
            if (!misses.lost()) continue;
            ++lost;
            EXPECT_FALSE(holds_at_end) << "seed " << k_seed << ", round " << round;
            const std::vector<RequestRecord> so_far(records.begin(),
                                                    records.begin() + static_cast<std::ptrdiff_t>(i) + 1);
            EXPECT_FALSE(holds(measured(so_far, within), objective)) << "seed " << k_seed << ", round " << round;
            break;
        }
        // And the other way round: exact values lie on the same side as their buckets here, so that nothing is missed.
        held += holds_at_end ? 1 : 0;
        EXPECT_EQ(misses.lost(), !holds_at_end) << "seed " << k_seed << ", round " << round;
    }
    EXPECT_GT(lost, 200);
    EXPECT_GT(held, 200);
}

TEST(MissCounter, a_rejected_request_loses_at_once) {
    MissCounter misses({.ttft_p99 = Duration(1)}, 1'000'000, 0);
    RequestRecord rejected;
    rejected.outcome = Outcome::rejected;
    misses.count(rejected, false);
    EXPECT_TRUE(misses.lost());
}

}  // namespace
}  // namespace replayd::search
