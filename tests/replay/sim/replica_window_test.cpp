// What windows say of each replica's memory.

#include <gtest/gtest.h>

#include <map>

#include "replay/memory/planned_workspace.hpp"
#include "tests/replay/sim/fixture.hpp"

namespace replayd::test {
namespace {

/// Requests of 700 prompt and 200 output tokens, `gap_ns` apart.
std::vector<Arrival> steady(std::int64_t count, std::int64_t gap_ns) {
    std::vector<Arrival> out;
    for (std::int64_t i = 0; i < count; ++i) out.push_back(arrival(i, i * gap_ns, 700, 200));
    return out;
}

/// Checks every window against the replicas' figures carried forward; returns how many figures were told.
std::size_t carry_forward(const std::vector<WindowRecord>& windows, std::size_t replicas) {
    std::map<std::int32_t, ReplicaWindow> held;
    std::size_t told = 0;
    for (const WindowRecord& window : windows) {
        for (const ReplicaWindow& replica : window.replicas) {
            EXPECT_TRUE(!held.contains(replica.replica) || held[replica.replica] != replica) << "told again";
            held[replica.replica] = replica;
            ++told;
        }
        EXPECT_EQ(held.size(), replicas) << "the first window has all";
        std::int64_t used = 0;
        std::int64_t cached = 0;
        for (const auto& [index, replica] : held) {
            used += replica.kv_blocks_used;
            cached += replica.kv_blocks_cached;
        }
        EXPECT_EQ(used, window.kv_blocks_used);
        std::int64_t cached_in_pools = 0;
        for (const PoolWindow& pool : window.pools) cached_in_pools += pool.kv_blocks_cached;
        EXPECT_EQ(cached, cached_in_pools);
    }
    return told;
}

/// What the windows say last of replica 0.
ReplicaWindow last_of_first(const std::vector<WindowRecord>& windows) {
    ReplicaWindow last;
    for (const WindowRecord& window : windows) {
        for (const ReplicaWindow& replica : window.replicas) {
            if (replica.replica == 0) last = replica;
        }
    }
    return last;
}

// Carried forward, the figures of all replicas add up to what each window says of its pools.
TEST(ReplicaWindows, add_up_to_their_pools) {
    Scenario scenario = mixed_scenario(3, 500);
    scenario.window = Duration(100 * k_ns_per_ms);
    const Outcomes out = replay(scenario, steady(40, 30 * k_ns_per_ms));
    ASSERT_GT(out.sink.windows.size(), 5U);
    carry_forward(out.sink.windows, 3);
}

// A replica without work is told once, however many windows pass.
TEST(ReplicaWindows, leave_out_what_did_not_change) {
    Scenario scenario = mixed_scenario(8, 500);
    scenario.window = Duration(20 * k_ns_per_ms);
    scenario.pools[0].router = RouterKind::round_robin;
    const Outcomes out = replay(scenario, steady(1, 0));
    ASSERT_GT(out.sink.windows.size(), 20U);
    const std::size_t told = carry_forward(out.sink.windows, 8);
    EXPECT_LE(told, 8 + out.sink.windows.size()) << "seven idle ones once, the busy one at most in each window";
}

// Blocks that a finished request leaves in the prefix cache are told as cached, not as used.
TEST(ReplicaWindows, tell_used_from_cached) {
    Scenario scenario = mixed_scenario(1, 500);
    scenario.window = Duration(100 * k_ns_per_ms);
    scenario.pools[0].kv.prefix_caching = true;
    Arrival hashed = arrival(0, 0, 1300, 2);
    hashed.prefix_hashes = {1, 2};
    hashed.prefix_block = Tokens(512);
    const Outcomes out = replay(scenario, {hashed, arrival(1, k_ns_per_s, 100, 2)});
    const ReplicaWindow last = last_of_first(out.sink.windows);
    EXPECT_EQ(last.kv_blocks_used, 0);
    EXPECT_EQ(last.kv_blocks_cached, 1024 / scenario.pools[0].kv.block.value);
    carry_forward(out.sink.windows, 1);
}

// FlashInfer's prefill plans need a workspace; the most is kept, and it is what the planner says of the largest batch.
TEST(ReplicaWindows, keep_the_high_water_of_the_workspace) {
    Scenario scenario = mixed_scenario(1, 5'000);
    scenario.window = Duration(100 * k_ns_per_ms);
    scenario.pools[0].batching.max_batched_tokens = Tokens(256);
    const std::vector<Arrival> arrivals = {arrival(0, 0, 100, 2), arrival(1, k_ns_per_s, 8'000, 2),
                                           arrival(2, 60 * k_ns_per_s, 100, 2)};
    EXPECT_EQ(last_of_first(replay(scenario, arrivals).sink.windows).workspace, Bytes(0)) << "flash_attention";
    scenario.pools[0].runtime.attention = AttentionBackend::flashinfer;
    const Outcomes out = replay(scenario, arrivals);
    Bytes most{0};
    Bytes told{0};
    for (std::int64_t done = 0; done < 8'000; done += 256) {
        const std::int64_t rows = std::min<std::int64_t>(256, 8'000 - done);
        const std::int64_t pages = ceil_div(done + rows, scenario.pools[0].kv.block.value);
        most = std::max(most, prefill_need(scenario.model, scenario.pools[0], {&rows, 1}, {&pages, 1}).value());
    }
    for (const WindowRecord& window : out.sink.windows) {
        for (const ReplicaWindow& replica : window.replicas) {
            EXPECT_GE(replica.workspace, told) << "never shrinks";
            told = replica.workspace;
        }
    }
    EXPECT_GT(told, Bytes(0));
    EXPECT_EQ(told, most);
}

}  // namespace
}  // namespace replayd::test
