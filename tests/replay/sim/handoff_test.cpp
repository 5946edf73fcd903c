// From prefill to decode, worked examples: overlapped transfers, several cards, prompts that stay in the decode pool,
// and pools of different GPUs. A step takes 5 ms + 50 µs per prefill token + 100 µs per decode sequence; KV is 1,024
// bytes per token in 2 layers.

#include <gtest/gtest.h>

#include "replay/catalog/scenario_toml.hpp"
#include "tests/replay/sim/fixture.hpp"

namespace replayd::test {
namespace {

constexpr std::int64_t k_us = 1'000;

std::int64_t part(const RequestRecord& record, LedgerPart which) { return record.ledger[which].value; }

const RequestRecord& record_of(const Outcomes& out, std::int64_t sequence) {
    for (const RequestRecord& record : out.sink.requests) {
        if (record.sequence == sequence) return record;
    }
    throw std::runtime_error("no such request");
}

Scenario layerwise(double bytes_per_s) {
    Scenario scenario = pd_scenario(1, 1);
    scenario.transfer.bytes_per_s = bytes_per_s;
    scenario.transfer.overlap = TransferOverlap::layerwise;
    return scenario;
}

// One transfer alone: bytes / bandwidth + latency, to the nanosecond. 1,024,000 bytes at 3 GB/s are 341,333.3 ns.
TEST(Handoff, alone_takes_its_bytes_over_the_bandwidth) {
    Scenario scenario = pd_scenario(1, 1);
    scenario.transfer.bytes_per_s = 3e9;
    const Outcomes out = replay(scenario, {arrival(0, 0, 1000, 2)});
    EXPECT_EQ(part(out.sink.requests[0], LedgerPart::transfer), 341'334 + 10 * k_us);
    EXPECT_EQ(part(out.sink.requests[0], LedgerPart::transfer_wait), 0);
}

// Two cards at both ends: two transfers at once do not disturb each other. With one card at the destination they share
// it.
TEST(Handoff, cards_count_at_both_ends) {
    Scenario scenario = pd_scenario(1, 1);
    const std::vector<Arrival> arrivals = {arrival(0, 0, 1000, 2), arrival(1, 0, 1000, 2)};
    scenario.transfer.nics = 2;
    for (const RequestRecord& record : replay(scenario, arrivals).sink.requests) {
        EXPECT_EQ(part(record, LedgerPart::transfer_wait), 0);
    }
    scenario.transfer.decode = NicSpec{1, 1e9};
    for (const RequestRecord& record : replay(scenario, arrivals).sink.requests) {
        EXPECT_EQ(part(record, LedgerPart::transfer), 1'034 * k_us);
        EXPECT_EQ(part(record, LedgerPart::transfer_wait), 1'024 * k_us);
    }
}

// A link much faster than the step: only the last of the two layers and the latency follow the first token, which comes
// when it did.
TEST(Handoff, with_layerwise_overlap_the_last_layer_is_exposed) {
    const Outcomes out = replay(layerwise(1e9), {arrival(0, 0, 1000, 2)});
    const RequestRecord& record = out.sink.requests[0];
    EXPECT_EQ(record.ttft().value, 55'000 * k_us);
    // One nanosecond more: the rate at which KV is made is rounded down to whole bytes per second.
    EXPECT_EQ(part(record, LedgerPart::transfer), 512 * k_us + 10 * k_us + 1);
    EXPECT_EQ(part(record, LedgerPart::transfer_wait), 0);
    EXPECT_EQ(record.decode_started.ns, 55'522 * k_us + 1);
}

// A link much slower than the step, 5 MB/s: it works from the launch on, so that of 204.8 ms the step's 55 are hidden.
TEST(Handoff, with_layerwise_overlap_a_slow_link_starts_early) {
    const Outcomes out = replay(layerwise(5e6), {arrival(0, 0, 1000, 2)});
    EXPECT_EQ(part(out.sink.requests[0], LedgerPart::transfer), (204'800 - 55'000 + 10) * k_us);
    EXPECT_EQ(part(out.sink.requests[0], LedgerPart::transfer_wait), 0);
}

// Two chunks, of 600 and 400 tokens: at 10 MB/s the link can send 250 KB while the second is computed (25 ms), and has
// that from the first.
TEST(Handoff, with_layerwise_overlap_earlier_chunks_leave_first) {
    Scenario scenario = layerwise(10e6);
    scenario.pools[0].batching.max_batched_tokens = Tokens(600);
    const Outcomes out = replay(scenario, {arrival(0, 0, 1000, 2)});
    EXPECT_EQ(out.sink.requests[0].ttft().value, (35'000 + 25'000) * k_us);
    EXPECT_EQ(part(out.sink.requests[0], LedgerPart::transfer), (102'400 - 25'000 + 10) * k_us);
}

// The destination has room for one request. The second asks for it when its step is launched, gets it when the first
// has finished, and by then its KV is whole: it waits for room and is sent as without overlap.
TEST(Handoff, with_layerwise_overlap_a_full_destination_is_waited_for) {
    Scenario scenario = layerwise(1e9);
    scenario.pools[0].batching.max_batched_tokens = Tokens(1000);
    scenario.pools[1].kv.num_blocks = 64;
    const Outcomes out = replay(scenario, {arrival(0, 0, 1000, 20), arrival(1, 0, 1000, 2)});
    const RequestRecord& first = record_of(out, 0);
    const RequestRecord& second = record_of(out, 1);
    EXPECT_GT(first.finished, second.first_token);
    EXPECT_EQ(second.decode_started, first.finished + Duration(1'024 * k_us + 10 * k_us));
}

// Reserved while the prompt is computed: blocks are taken at both ends, but nothing is counted as transferring before
// the first token.
TEST(Handoff, with_layerwise_overlap_the_destination_is_reserved_at_the_launch) {
    KeepingSink sink;
    replayd::Run run(compiled(layerwise(1e9)), sink);
    run.offer(arrival(0, 0, 160, 2));
    run.advance(VirtualTime(1 * k_us));
    EXPECT_EQ(run.snapshot().kv_blocks_used, 10 + 11);
    EXPECT_EQ(run.snapshot().transferring, 0);
    run.advance(VirtualTime(13'000 * k_us + 1));
    EXPECT_EQ(run.snapshot().transferring, 1);
    run.finish();
    EXPECT_EQ(run.snapshot().kv_blocks_used, 0);
    EXPECT_EQ(run.snapshot().transferring, 0);
}

// Up to the limit a prompt is prefilled where it decodes: no transfer, one replica; above it goes the long way.
TEST(Handoff, short_prompts_stay_in_the_decode_pool) {
    Scenario scenario = pd_scenario(1, 2);
    scenario.transfer.local_prefill_tokens_max = Tokens(100);
    const Outcomes out = replay(scenario, {arrival(0, 0, 100, 3), arrival(1, 0, 101, 3)});
    const RequestRecord& near = record_of(out, 0);
    EXPECT_EQ(near.prefill_replica, 1);
    EXPECT_EQ(near.decode_replica, 1);
    EXPECT_EQ(near.e2e().value, 10'000 * k_us + 2 * 5'100 * k_us);
    EXPECT_EQ(part(near, LedgerPart::prefill_compute), 10'000 * k_us);
    EXPECT_EQ(part(near, LedgerPart::transfer) + part(near, LedgerPart::transfer_wait), 0);
    const RequestRecord& far = record_of(out, 1);
    EXPECT_EQ(far.prefill_replica, 0);
    EXPECT_EQ(far.decode_replica, 2) << "replica 1 is busier";
    EXPECT_GT(part(far, LedgerPart::transfer), 0);
}

Arrival hashed(std::int64_t index, std::int64_t at_ns, std::int64_t prompt, std::vector<std::uint64_t> hashes) {
    Arrival made = arrival(index, at_ns, prompt, 2);
    made.prefix_block = Tokens(160);
    made.prefix_hashes = std::move(hashes);
    return made;
}

// A turn that repeats 960 tokens whose KV came to a decode replica before has 60 to compute there, and stays; without
// the cache, or with another beginning, it is sent to the prefill pool.
TEST(Handoff, cached_prompts_stay_with_their_prefix) {
    Scenario scenario = pd_scenario(1, 2);
    scenario.transfer.local_prefill_tokens_max = Tokens(100);
    scenario.pools[1].kv.prefix_caching = true;
    scenario.pools[1].router = RouterKind::round_robin;
    const std::vector<Arrival> arrivals = {hashed(0, 0, 960, {1, 2, 3, 4, 5, 6}),
                                           hashed(1, 500'000 * k_us, 1020, {1, 2, 3, 4, 5, 6, 7}),
                                           hashed(2, 900'000 * k_us, 1020, {9, 2, 3, 4, 5, 6, 7})};
    const Outcomes out = replay(scenario, arrivals);
    EXPECT_EQ(record_of(out, 0).decode_replica, 1);
    EXPECT_EQ(record_of(out, 1).prefill_replica, 1) << "by turns it would be replica 2, which does not have the prefix";
    EXPECT_EQ(record_of(out, 1).cached, Tokens(960));
    EXPECT_EQ(record_of(out, 1).ttft().value, 5'000 * k_us + 60 * 50 * k_us);
    EXPECT_EQ(record_of(out, 2).prefill_replica, 0);
    scenario.pools[1].kv.prefix_caching = false;
    EXPECT_EQ(record_of(replay(scenario, arrivals), 1).prefill_replica, 0);
}

// What the prefill pool could not hold is served by the decode pool alone if its prompt stays there; what that could
// not serve alone goes the long way where that is possible.
TEST(Handoff, requests_are_refused_only_where_their_way_is_closed) {
    Scenario scenario = pd_scenario(1, 1);
    scenario.pools[0].kv.num_blocks = 4;  // 64 tokens
    scenario.transfer.local_prefill_tokens_max = Tokens(100);
    const Outcomes small = replay(scenario, {arrival(0, 0, 100, 2), arrival(1, 0, 101, 2)});
    EXPECT_EQ(record_of(small, 0).outcome, Outcome::finished);
    EXPECT_EQ(record_of(small, 1).reject_reason,
              "pool prefill: needs 7 KV blocks for 101 tokens: a replica of the pool can give it 4 of 4");

    scenario = pd_scenario(1, 1);
    scenario.transfer.local_prefill_tokens_max = Tokens(100);
    scenario.pools[1].batching.policy = BatchPolicyKind::vllm;
    scenario.pools[1].batching.max_batched_tokens = Tokens(64);
    const Outcomes whole = replay(scenario, {arrival(0, 0, 60, 1), arrival(1, 0, 100, 1), arrival(2, 0, 100, 2)});
    EXPECT_EQ(record_of(whole, 0).prefill_replica, 1);
    EXPECT_EQ(record_of(whole, 1).prefill_replica, 0) << "one output token: it needs no decode pool";
    EXPECT_EQ(record_of(whole, 1).outcome, Outcome::finished);
}

// Many prompts that stay, all at once, and one that is transferred: it does not wait until the queue of those is empty.
TEST(Handoff, a_transfer_does_not_wait_for_local_prompts_that_never_ran) {
    Scenario scenario = pd_scenario(1, 1);
    scenario.pools[1].batching.max_sequences = 8;
    scenario.transfer.local_prefill_tokens_max = Tokens(100);
    std::vector<Arrival> arrivals = {arrival(0, 0, 200, 2)};
    for (std::int64_t i = 1; i < 100; ++i) arrivals.push_back(arrival(i, 0, 50, 20));
    const Outcomes out = replay(scenario, arrivals);
    std::int64_t later = 0;
    for (const RequestRecord& record : out.sink.requests) {
        later += record.first_token > record_of(out, 0).decode_started ? 1 : 0;
    }
    EXPECT_GT(later, 50);
}

// A fork to a faster network ends earlier, and its ledgers sum (the engine asserts that); to the same, it changes
// nothing.
TEST(Handoff, a_fork_under_another_network_goes_on) {
    Scenario scenario = layerwise(20e6);
    scenario.transfer.nics = 2;
    std::vector<Arrival> arrivals;
    for (std::int64_t i = 0; i < 12; ++i) arrivals.push_back(arrival(i, i, 300, 3));
    for (std::int64_t at = 1; at < 400; at += 7) {
        SCOPED_TRACE("at " + std::to_string(at) + " ms");
        KeepingSink sink;
        replayd::Run run(compiled(scenario), sink);
        for (const Arrival& next : arrivals) run.offer(next);
        run.advance(VirtualTime(at * k_ns_per_ms));
        Scenario faster = scenario;
        faster.transfer.bytes_per_s = 1e9;
        faster.transfer.nics = 1;
        faster.transfer.overlap = TransferOverlap::none;
        KeepingSink same;
        KeepingSink quick;
        auto same_run = run.fork(compiled(scenario), same);
        auto quick_run = run.fork(compiled(faster), quick);
        ASSERT_TRUE(same_run && quick_run);
        run.finish();
        same_run->finish();
        quick_run->finish();
        EXPECT_EQ(same_run->hash(), run.hash());
        EXPECT_EQ(quick_run->snapshot().finished, 12);
        EXPECT_LE(quick_run->snapshot().now, run.snapshot().now);
    }
}

// A scenario file with H200 for prefill and H100 for decode: each pool is planned and priced by its own GPU.
TEST(Handoff, each_pool_is_priced_by_its_own_gpu) {
    const auto scenario_of = [](const std::string& prefill, const std::string& decode) {
        const std::string text = "name = 's'\nmodel = 'Llama-3.1-8B'\n[[pool]]\nrole = 'prefill'\ngpu = '" + prefill +
                                 "'\n[[pool]]\nrole = 'decode'\ngpu = '" + decode +
                                 "'\n[transfer]\ngigabits_per_s = 400\nlatency_us = 20\n";
        const auto parsed = parse_scenario(text, "s.toml");
        if (!parsed) throw std::runtime_error(parsed.error().message);
        return *parsed;
    };
    const std::vector<Arrival> arrivals = {arrival(0, 0, 4000, 50)};
    const auto one = [&](const std::string& prefill, const std::string& decode) {
        return replay(scenario_of(prefill, decode), arrivals).sink.requests.at(0);
    };
    const RequestRecord both = one("H200-SXM", "H100-SXM");
    const RequestRecord h100 = one("H100-SXM", "H100-SXM");
    const RequestRecord h200 = one("H200-SXM", "H200-SXM");
    EXPECT_EQ(both.ttft(), h200.ttft());
    EXPECT_EQ(part(both, LedgerPart::decode_compute), part(h100, LedgerPart::decode_compute));
    EXPECT_GT(part(h100, LedgerPart::decode_compute), part(h200, LedgerPart::decode_compute)) << "less bandwidth";
    const auto planned = compiled(scenario_of("H200-SXM", "H100-SXM"));
    EXPECT_GT(planned->plans[0].blocks, planned->plans[1].blocks) << "more memory";
}

}  // namespace
}  // namespace replayd::test
