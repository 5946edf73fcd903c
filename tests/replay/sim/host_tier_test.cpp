// Loads from the host tier inside the engine: their time, their link, and who may go before them.

#include <gtest/gtest.h>

#include "tests/replay/sim/fixture.hpp"

namespace replayd::test {
namespace {

/// Blocks of 16 tokens, 16 KiB each; a host tier with room for all, behind 1 GB/s and 10 us.
Scenario with_host(std::int64_t blocks) {
    Scenario scenario = mixed_scenario(1, blocks);
    KvSpec& kv = scenario.pools[0].kv;
    kv.prefix_caching = true;
    kv.host = Bytes(10'000 * 16 * 1024);
    kv.host_bytes_per_s = 1e9;
    kv.host_latency = Duration(10'000);
    return scenario;
}

/// Two entries of 32 blocks of 16 KiB over 1 GB/s.
constexpr std::int64_t k_link_ns = 64 * 16 * 1024;

const RequestRecord& of(const Outcomes& out, std::int64_t sequence) {
    for (const RequestRecord& record : out.sink.requests) {
        if (record.sequence == sequence) return record;
    }
    throw std::runtime_error("no such request");
}

// r1 pushes r0's prefix out of the device; r2 loads its 1,024 tokens and computes the other 276.
TEST(HostTier, a_prefix_that_left_the_device_is_loaded_and_not_computed) {
    const std::vector<Arrival> arrivals = {hashed(0, 0, 1300, {1, 2, 3}), hashed(1, k_ns_per_s, 1300, {7, 8, 9}),
                                           hashed(2, 2 * k_ns_per_s, 1300, {1, 2, 4})};
    const Outcomes out = replay(with_host(90), arrivals);
    const RequestRecord& record = of(out, 2);
    EXPECT_EQ(record.cached.value, 1024);
    EXPECT_EQ(record.ledger[LedgerPart::transfer].value, k_link_ns + 10'000);
    EXPECT_EQ(record.ledger[LedgerPart::transfer_wait].value, 0);
    EXPECT_EQ(record.ledger[LedgerPart::prefill_compute].value, 5 * k_ns_per_ms + 276 * 50'000);
    EXPECT_EQ(record.ttft().value, k_link_ns + 10'000 + 5 * k_ns_per_ms + 276 * 50'000);
    EXPECT_EQ(record.queue().value, k_link_ns + 10'000);

    const CacheCounters& cache = out.snapshot.cache;
    EXPECT_EQ(cache.hit_tokens, 1024);
    EXPECT_EQ(cache.host_hit_tokens, 1024);
    EXPECT_EQ(cache.host_loaded_blocks, 64);
    EXPECT_EQ(cache.host_stored_entries, 4);
    EXPECT_EQ(cache.evicted_entries, 4);
    EXPECT_EQ(out.snapshot.host_blocks_used, 128);
    EXPECT_EQ(out.snapshot.host_blocks_total, 10'000);
    EXPECT_EQ(out.snapshot.kv_blocks_used, 0);
    std::int64_t cached = 0;
    for (const WindowRecord& window : out.sink.windows) cached += window.cached_tokens.value;
    EXPECT_EQ(cached, 1024);

    Scenario without = with_host(90);
    without.pools[0].kv.host = Bytes(0);
    EXPECT_EQ(of(replay(without, arrivals), 2).cached.value, 0);
}

/// r2 has pushed both prefixes out when r3 and r4 come for them at the same time.
std::vector<Arrival> two_loads() {
    return {hashed(0, 0, 1300, {1, 2, 3}), hashed(1, k_ns_per_s, 1300, {7, 8, 9}), arrival(2, 2 * k_ns_per_s, 2800, 2),
            hashed(3, 3 * k_ns_per_s, 1300, {1, 2, 3}), hashed(4, 3 * k_ns_per_s, 1300, {7, 8, 9})};
}

// The link takes one load after the other; the latency of the first does not delay the second. What both computes
// shares no step: r3 is alone in its own, which r4 joins in the next.
TEST(HostTier, loads_share_the_link_first_come_first_served) {
    const Outcomes out = replay(with_host(180), two_loads());
    EXPECT_EQ(of(out, 3).ledger[LedgerPart::transfer_wait].value, 0);
    EXPECT_EQ(of(out, 3).ledger[LedgerPart::transfer].value, k_link_ns + 10'000);
    EXPECT_EQ(of(out, 4).ledger[LedgerPart::transfer_wait].value, k_link_ns);
    EXPECT_EQ(of(out, 4).ledger[LedgerPart::transfer].value, k_link_ns + 10'000);
    EXPECT_EQ(of(out, 4).blame[BlameCause::link].value, k_link_ns);
    EXPECT_EQ(of(out, 4).cached.value, 1024);
}

// Ten microseconds after them a request without a prefix comes: it is computed while they load.
TEST(HostTier, others_are_scheduled_while_a_request_loads) {
    std::vector<Arrival> arrivals = two_loads();
    arrivals.push_back(arrival(5, 3 * k_ns_per_s + 10'000, 10, 2));
    const Outcomes out = replay(with_host(180), arrivals);
    EXPECT_EQ(of(out, 5).queue().value, 0);
    EXPECT_GT(of(out, 3).scheduled, of(out, 5).scheduled);
}

// In the middle of a load: it is neither waiting nor running, and a fork goes on with it.
TEST(HostTier, a_load_under_way_is_part_of_the_state) {
    KeepingSink sink;
    replayd::Run run(compiled(with_host(180)), sink);
    for (const Arrival& next : two_loads()) run.offer(next);
    run.advance(VirtualTime(3 * k_ns_per_s + k_link_ns / 2));
    EXPECT_EQ(run.snapshot().transferring, 2);
    EXPECT_EQ(run.snapshot().waiting + run.snapshot().running, 0);
    KeepingSink forked_sink;
    replayd::Run fork = run.fork(forked_sink);
    run.finish();
    fork.finish();
    EXPECT_EQ(fork.hash(), run.hash());
    EXPECT_EQ(sink.requests.size(), 5);
}

// Blocks for the whole prompt are taken when the load starts: with room for one of the two, the other waits for blocks
// and not for the link.
TEST(HostTier, a_load_waits_for_blocks_first) {
    const Outcomes tight = replay(with_host(100), {hashed(0, 0, 1300, {1, 2, 3}), arrival(1, k_ns_per_s, 1500, 2),
                                                   hashed(2, 2 * k_ns_per_s, 1300, {1, 2, 3}),
                                                   hashed(3, 2 * k_ns_per_s, 1300, {1, 2, 5})});
    EXPECT_EQ(of(tight, 3).ledger[LedgerPart::transfer_wait].value, 0);
    EXPECT_GT(of(tight, 3).blame[BlameCause::kv_blocks].value, 0);
}

}  // namespace
}  // namespace replayd::test
