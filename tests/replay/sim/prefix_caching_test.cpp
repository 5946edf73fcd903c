// Prefix caching inside the engine.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "replay/trace/trace_reader.hpp"
#include "tests/replay/sim/fixture.hpp"
#include "tests/source_paths.hpp"

namespace replayd::test {
namespace {

Scenario caching_scenario(std::int64_t blocks) {
    Scenario scenario = mixed_scenario(1, blocks);
    scenario.pools[0].kv.prefix_caching = true;
    return scenario;
}

// The second request finds two of its three blocks and computes the rest: 5 ms + (1300 - 1024) × 50 µs.
TEST(PrefixCaching, a_cached_prefix_is_not_computed_again) {
    const Outcomes out = replay(caching_scenario(1000), {hashed(0, 0, 1300, {1, 2, 3}),
                                                         hashed(1, k_ns_per_s, 1300, {1, 2, 9})});
    EXPECT_EQ(out.sink.requests[0].cached.value, 0);
    EXPECT_EQ(out.sink.requests[1].cached.value, 1024);
    EXPECT_EQ(out.sink.requests[1].ttft().value, 5 * k_ns_per_ms + 276 * 50'000);
    EXPECT_EQ(out.snapshot.cache.hit_tokens, 1024);
    EXPECT_EQ(out.snapshot.cache.queried_tokens, 2600);
    EXPECT_EQ(out.snapshot.kv_blocks_used, 0);
}

// With room for one context only, the second request's blocks push the first one's out of the cache.
TEST(PrefixCaching, a_full_pool_evicts_and_the_prefix_is_lost) {
    const Outcomes out =
        replay(caching_scenario(90), {hashed(0, 0, 1300, {1, 2, 3}), hashed(1, k_ns_per_s, 1300, {7, 8, 9}),
                                      hashed(2, 2 * k_ns_per_s, 1300, {1, 2, 3})});
    EXPECT_EQ(out.sink.requests[2].cached.value, 0);
    EXPECT_GT(out.snapshot.cache.evicted_entries, 0);
}

// Without any hashes: what evicted requests computed is found again where nobody took it.
TEST(PrefixCaching, evicted_requests_find_their_own_blocks) {
    Random random(5);
    const std::vector<Arrival> arrivals = random_arrivals(random, 200, 20 * k_ns_per_ms, 300, 200);
    const auto recomputed = [&](const Scenario& scenario) {
        const Outcomes out = replay(scenario, arrivals);
        EXPECT_GT(out.snapshot.preemptions, 10);
        EXPECT_EQ(out.snapshot.kv_blocks_used, 0);
        EXPECT_EQ(out.snapshot.cache.hit_tokens > 0, scenario.pools[0].kv.prefix_caching);
        Duration sum{0};
        for (const RequestRecord& record : out.sink.requests) sum += record.ledger[LedgerPart::recompute];
        return sum;
    };
    EXPECT_LT(4 * recomputed(caching_scenario(60)), 3 * recomputed(mixed_scenario(1, 60)));
}

// Unbounded cache, free compute: every block that was seen before is found, 36.6 % of the trace's blocks. The
// cache itself shares whole blocks only, so the engine's share is a little lower.
TEST(PrefixCaching, mooncake_conversation_hits_as_published) {
    const std::string path = REPLAYD_SOURCE_DIR "/../shared/data/traces/mooncake_conversation_trace.jsonl";
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path;
    std::ifstream in(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    std::vector<Arrival> arrivals;
    TraceReader reader({});
    ASSERT_TRUE(reader.feed(bytes, arrivals));
    ASSERT_TRUE(reader.finish(arrivals));

    Scenario scenario = caching_scenario(20'000'000);
    scenario.pools[0].max_context = Tokens(1'000'000);
    scenario.pools[0].batching.max_batched_tokens = Tokens(1'000'000);
    scenario.pools[0].batching.max_sequences = 100'000;
    scenario.linear = {Duration(1), Duration(0), Duration(0)};
    const Outcomes out = replay(scenario, arrivals);
    std::int64_t blocks = 0;
    std::int64_t hit_blocks = 0;
    for (const RequestRecord& record : out.sink.requests) {
        blocks += ceil_div(record.prompt.value, 512);
        hit_blocks += ceil_div(record.cached.value, 512);
    }
    EXPECT_EQ(blocks, 288'500);
    EXPECT_NEAR(static_cast<double>(hit_blocks) / static_cast<double>(blocks), 0.366, 0.0005);
    std::printf("hit blocks %lld of %lld\n", static_cast<long long>(hit_blocks), static_cast<long long>(blocks));
}

}  // namespace
}  // namespace replayd::test
