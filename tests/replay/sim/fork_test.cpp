// Checkpoint, fork and change of scenario.

#include <gtest/gtest.h>

#include "tests/replay/sim/fixture.hpp"

namespace replayd::test {
namespace {

struct Half {
    KeepingSink sink;
    std::unique_ptr<replayd::Run> run;
};

std::unique_ptr<Half> run_until(const Scenario& scenario, const std::vector<Arrival>& arrivals, VirtualTime until) {
    auto half = std::make_unique<Half>();
    half->run = std::make_unique<replayd::Run>(compiled(scenario), half->sink);
    for (const Arrival& next : arrivals) half->run->offer(next);
    half->run->advance(until);
    return half;
}

// A fork taken at any moment ends as the original does: same hash, same records after the fork.
TEST(Fork, without_change_equals_the_original) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed);
        const Scenario scenario = seed % 2 == 0 ? mixed_scenario(2, 80) : pd_scenario(1, 2, 80);
        const std::vector<Arrival> arrivals = random_arrivals(random, 50, 20 * k_ns_per_ms, 300, 60);
        const auto half =
            run_until(scenario, arrivals, VirtualTime(static_cast<std::int64_t>(random.below(1'000'000'000))));
        const std::size_t before = half->sink.requests.size();
        KeepingSink sink;
        replayd::Run fork = half->run->fork(sink);
        fork.finish();
        half->run->finish();
        ASSERT_EQ(fork.hash(), half->run->hash());
        ASSERT_TRUE(std::equal(sink.requests.begin(), sink.requests.end(),
                               half->sink.requests.begin() + static_cast<std::ptrdiff_t>(before),
                               half->sink.requests.end()));
        ASSERT_EQ(replay(scenario, arrivals).hash, fork.hash());
    }
}

// Under a changed scenario everybody is still served, and every ledger still sums (the engine asserts it); a
// ten times faster cluster ends earlier, a slower one later.
TEST(Fork, goes_on_under_a_changed_scenario) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed ^ 77);
        const Scenario scenario = seed % 2 == 0 ? mixed_scenario(2, 80) : pd_scenario(1, 2, 80);
        const std::vector<Arrival> arrivals = random_arrivals(random, 60, 5 * k_ns_per_ms, 300, 60);
        const auto half = run_until(scenario, arrivals, VirtualTime(100 * k_ns_per_ms));
        Scenario faster = scenario;
        faster.linear = {Duration(500'000), Duration(5'000), Duration(10'000)};
        faster.pools[0].batching.max_batched_tokens = Tokens(500);
        Scenario slower = scenario;
        slower.linear = {Duration(50'000'000), Duration(500'000), Duration(1'000'000)};
        KeepingSink quick;
        KeepingSink slow;
        auto fast_run = half->run->fork(compiled(faster), quick);
        auto slow_run = half->run->fork(compiled(slower), slow);
        ASSERT_TRUE(fast_run && slow_run);
        fast_run->finish();
        slow_run->finish();
        EXPECT_EQ(fast_run->snapshot().finished, 60);
        EXPECT_EQ(slow_run->snapshot().finished, 60);
        EXPECT_LT(quick.requests.back().finished, slow.requests.back().finished);
    }
}

TEST(Fork, refuses_what_cannot_change_in_flight) {
    const std::vector<Arrival> arrivals = {arrival(0, 0, 1000, 50)};
    const auto half = run_until(mixed_scenario(2, 100), arrivals, VirtualTime(80 * k_ns_per_ms));
    KeepingSink sink;
    const auto message = [&](const Scenario& changed) {
        return half->run->fork(compiled(changed), sink).error().message;
    };
    EXPECT_EQ(message(pd_scenario(1, 1)), "the run has 1 pools and the changed scenario 2: expected the same number");
    EXPECT_EQ(message(mixed_scenario(3, 100)),
              "pool mixed: replicas x data is 2 in the run and 3 in the changed scenario: expected the same");
    EXPECT_EQ(message(mixed_scenario(2, 10)),
              "pool mixed: replica 0 uses 63 KV blocks and the changed scenario has 10: expected at least as many");
    Scenario blocks = mixed_scenario(2, 100);
    blocks.pools[0].kv.block = Tokens(32);
    EXPECT_EQ(message(blocks),
              "pool mixed: block_tokens is 16 in the run and 32 in the changed scenario: expected the same");
}

}  // namespace
}  // namespace replayd::test
