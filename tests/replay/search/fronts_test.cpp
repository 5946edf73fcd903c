// Which trials are on the fronts of price and of throughput against latency.

#include <gtest/gtest.h>

#include "replay/search/fronts.hpp"

namespace replayd::search {
namespace {

Measured cluster(std::int64_t gpus, double price, std::int64_t ttft_ms, std::int64_t tpot_ms) {
    Measured out;
    out.possible = true;
    out.gpus = gpus;
    out.price_per_hour = price;
    out.ttft_p99 = Duration(ttft_ms * 1'000'000);
    out.tpot_p99 = Duration(tpot_ms * 1'000'000);
    out.output_tokens = Tokens(12'000);
    out.span = Duration(10'000'000'000);
    return out;
}

std::vector<Trial> trials_of(const Outcomes& outcomes) {
    std::vector<Trial> out;
    for (const auto& [trial, measured] : outcomes) out.push_back(trial);
    return out;
}

std::vector<std::int64_t> candidates(const std::set<Trial>& trials) {
    std::vector<std::int64_t> out;
    for (const Trial& trial : trials) out.push_back(trial.candidate);
    return out;
}

// 1,200 tokens a second, on 4 to 12 GPUs. Candidate 2 has dearer GPUs: it gives as much per GPU as candidate 1 and is
// faster, but costs more, so it is on the fronts of price as well; candidate 3 is beaten everywhere.
TEST(Fronts, set_price_and_throughput_against_both_latencies) {
    const Outcomes outcomes = {{{0, 100}, cluster(4, 10, 900, 40)},
                               {{1, 100}, cluster(8, 20, 300, 45)},
                               {{2, 100}, cluster(8, 40, 200, 30)},
                               {{3, 100}, cluster(12, 50, 950, 50)}};
    const std::vector<Trial> results = trials_of(outcomes);
    const Fronts fronts(results, outcomes);
    EXPECT_DOUBLE_EQ(throughput_per_gpu(outcomes.at({0, 100})), 300);
    EXPECT_EQ(candidates(fronts.of(k_fronts[0])), (std::vector<std::int64_t>{0, 1, 2}));
    EXPECT_EQ(candidates(fronts.of(k_fronts[1])), (std::vector<std::int64_t>{0, 2}));
    EXPECT_EQ(candidates(fronts.of(k_fronts[2])), (std::vector<std::int64_t>{0, 2}));
    EXPECT_EQ(candidates(fronts.of(k_fronts[3])), (std::vector<std::int64_t>{0, 2}));
}

// What did not serve all of the trace would look cheap and fast.
TEST(Fronts, leave_out_what_rejected_ended_early_or_never_ran) {
    Measured rejected = cluster(1, 1, 1, 1);
    rejected.rejected = 1;
    Measured stopped = cluster(1, 1, 1, 1);
    stopped.stopped_after = 50;
    const Outcomes outcomes = {
        {{0, 100}, rejected}, {{1, 100}, stopped}, {{2, 100}, Measured{}}, {{3, 100}, cluster(4, 10, 900, 40)}};
    const std::vector<Trial> results = trials_of(outcomes);
    const Fronts fronts(results, outcomes);
    for (const FrontKind& kind : k_fronts)
        EXPECT_EQ(candidates(fronts.of(kind)), std::vector<std::int64_t>{3}) << kind.name;
    EXPECT_EQ(throughput_per_gpu(Measured{}), 0);
}

}  // namespace
}  // namespace replayd::search
