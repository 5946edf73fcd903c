// Worked examples with the linear cost: a step takes 5 ms + 50 µs per prefill token + 100 µs per decode sequence.

#include <gtest/gtest.h>

#include "tests/replay/sim/fixture.hpp"

namespace replayd::test {
namespace {

constexpr std::int64_t k_us = 1'000;

std::int64_t part(const RequestRecord& record, LedgerPart which) { return record.ledger[which].value; }

// Alone, a request costs its prefill step and output - 1 decode steps, and waits for nothing.
TEST(Run, a_request_alone_takes_exactly_its_steps) {
    const Outcomes out = replay(mixed_scenario(), {arrival(0, 7, 100, 3)});
    ASSERT_EQ(out.sink.requests.size(), 1u);
    const RequestRecord& record = out.sink.requests[0];
    EXPECT_EQ(record.ttft().value, 10'000 * k_us);
    EXPECT_EQ(record.e2e().value, 20'200 * k_us);
    EXPECT_EQ(record.tpot()->value, 5'100 * k_us);
    EXPECT_EQ(part(record, LedgerPart::prefill_compute), 10'000 * k_us);
    EXPECT_EQ(part(record, LedgerPart::decode_compute), 10'200 * k_us);
    EXPECT_EQ(out.snapshot.steps, 3);
}

// A paced run learns of its end in other slices than one that replays as fast as it can: how far beyond the last event
// it was advanced must not show in what is told of the run, such as goodput over its virtual time.
TEST(Run, a_finished_run_ends_with_its_last_event_however_far_it_was_advanced) {
    for (const std::int64_t watermark_ms : {1, 15, 25, 100'000}) {
        SCOPED_TRACE("advanced to " + std::to_string(watermark_ms) + " ms");
        KeepingSink sink;
        replayd::Run run(compiled(mixed_scenario()), sink);
        run.offer(arrival(0, 0, 100, 3));
        run.advance(VirtualTime(watermark_ms * 1'000 * k_us));
        EXPECT_GE(run.snapshot().now, VirtualTime(watermark_ms * 1'000 * k_us));
        run.finish();
        EXPECT_EQ(run.snapshot().now, VirtualTime(20'200 * k_us));
    }
}

// One output token: the prefill step makes it, there is no decode step and no TPOT.
TEST(Run, one_output_token_ends_with_the_prefill) {
    const Outcomes out = replay(pd_scenario(1, 1), {arrival(0, 0, 100, 1)});
    const RequestRecord& record = out.sink.requests[0];
    EXPECT_EQ(record.e2e(), record.ttft());
    EXPECT_FALSE(record.tpot());
    EXPECT_EQ(record.decode_replica, -1);
    EXPECT_EQ(part(record, LedgerPart::transfer), 0);
}

// A request that comes while another decodes waits for the step to end; the chunk slows the decoder down, and
// that is interference for both.
TEST(Run, a_newcomer_waits_for_the_step_and_disturbs_the_decoder) {
    const Outcomes out = replay(mixed_scenario(), {arrival(0, 0, 100, 10), arrival(1, 11'000 * k_us, 200, 1)});
    // Steps of the first: [0, 10 ms] prefill, [10, 15.1] decode; then both: 5 + 200 × 0.05 + 0.1 = 15.1 ms.
    const RequestRecord& newcomer = out.sink.requests[0];
    EXPECT_EQ(newcomer.sequence, 1);
    EXPECT_EQ(part(newcomer, LedgerPart::prefill_queue), 4'100 * k_us);
    EXPECT_EQ(part(newcomer, LedgerPart::prefill_compute), 15'000 * k_us);
    EXPECT_EQ(part(newcomer, LedgerPart::batch_interference), 100 * k_us);
    const RequestRecord& decoder = out.sink.requests[1];
    EXPECT_EQ(part(decoder, LedgerPart::batch_interference), 10'000 * k_us);
    EXPECT_EQ(part(decoder, LedgerPart::decode_compute), 9 * 5'100 * k_us);
}

// A prompt beyond the budget is computed in chunks; a second prompt gets what is left of each step.
TEST(Run, prompts_beyond_the_budget_are_chunked) {
    Scenario scenario = mixed_scenario();
    scenario.pools[0].batching.max_batched_tokens = Tokens(100);
    const Outcomes out = replay(scenario, {arrival(0, 0, 150, 1), arrival(1, 0, 100, 1)}, {}, true);
    ASSERT_EQ(out.sink.batches.size(), 3u);
    EXPECT_EQ(out.sink.batches[0].members.size(), 1u);
    EXPECT_EQ(out.sink.batches[1].members[0].tokens.value, 50);
    EXPECT_EQ(out.sink.batches[1].members[1].tokens.value, 50);
    EXPECT_EQ(out.sink.batches[2].members[0].tokens.value, 50);
    EXPECT_EQ(out.sink.requests[1].e2e().value, 3 * 5'000 * k_us + 250 * 50 * k_us);
}

// Blocks of 10 tokens, 5 of them: two requests of 20 + 11 tokens fill the pool until the first needs a third
// block; the one admitted last is evicted, waits, and computes its prompt and tokens again.
TEST(Run, the_request_admitted_last_is_evicted_and_recomputes) {
    Scenario scenario = mixed_scenario(1, 5);
    scenario.pools[0].kv.block = Tokens(10);
    const Outcomes out = replay(scenario, {arrival(0, 0, 20, 12), arrival(1, 0, 20, 12)});
    const RequestRecord& first = out.sink.requests[0];
    const RequestRecord& second = out.sink.requests[1];
    EXPECT_EQ(first.sequence, 0);
    EXPECT_EQ(first.preemptions, 0);
    EXPECT_EQ(second.preemptions, 1);
    EXPECT_GT(part(second, LedgerPart::preemption_stall), 0);
    // It had its prompt and no decode step yet when the first took the fifth block: 20 prompt tokens and the
    // token made by the prefill are computed again.
    EXPECT_EQ(part(second, LedgerPart::recompute), 5'000 * k_us + 21 * 50 * k_us);
}

// 1,024 bytes per token at 1 GB/s and 10 µs of latency; two transfers at once have half of the card each, until the
// smaller one has been sent. What that adds to the time alone is waiting.
TEST(Run, hand_offs_share_the_card_and_decode_after_their_kv) {
    const Outcomes out = replay(pd_scenario(1, 1), {arrival(0, 0, 1000, 2), arrival(1, 0, 500, 2)});
    const std::int64_t prefill_end = 5'000 * k_us + 1500 * 50 * k_us;
    const RequestRecord& small = out.sink.requests[0];
    EXPECT_EQ(small.sequence, 1);
    EXPECT_EQ(small.ttft().value, prefill_end);
    EXPECT_EQ(part(small, LedgerPart::transfer), 512'000 + 10'000);
    EXPECT_EQ(part(small, LedgerPart::transfer_wait), 512'000);
    EXPECT_EQ(small.decode_started.ns, prefill_end + 2 * 512'000 + 10'000);
    EXPECT_EQ(small.prefill_replica, 0);
    EXPECT_EQ(small.decode_replica, 1);
    const RequestRecord& large = out.sink.requests[1];
    EXPECT_EQ(part(large, LedgerPart::transfer), 1'024'000 + 10'000);
    EXPECT_EQ(part(large, LedgerPart::transfer_wait), 512'000);
    // Its KV arrives while the other decodes (5.1 ms): it waits for that step.
    EXPECT_EQ(part(large, LedgerPart::decode_queue), 5'100 * k_us - 512'000);
}

// With room for one request only, the next hand-off waits at the source, which keeps its blocks.
TEST(Run, a_hand_off_waits_for_room_at_the_destination) {
    Scenario scenario = pd_scenario(1, 1);
    scenario.pools[1].kv.num_blocks = 64;  // 1,024 tokens
    const Outcomes out = replay(scenario, {arrival(0, 0, 1000, 10), arrival(1, 0, 1000, 10)});
    const RequestRecord& second = out.sink.requests[1];
    EXPECT_EQ(second.sequence, 1);
    const std::int64_t first_finished = out.sink.requests[0].finished.ns;
    EXPECT_EQ(part(second, LedgerPart::transfer_wait), first_finished - second.first_token.ns);
}

TEST(Run, requests_that_can_never_be_served_are_rejected_with_the_reason) {
    Scenario scenario = mixed_scenario(1, 10);
    scenario.pools[0].max_context = Tokens(500);
    const Outcomes out = replay(scenario, {arrival(0, 5, 400, 101), arrival(1, 5, 100, 62), arrival(2, 6, 100, 61)});
    ASSERT_EQ(out.sink.requests.size(), 3u);
    EXPECT_EQ(out.sink.requests[0].reject_reason, "pool mixed: prompt + output is 501 tokens, its context ends at 500");
    EXPECT_EQ(out.sink.requests[1].reject_reason,
              "pool mixed: needs 11 KV blocks for 161 tokens: a replica of the pool can give it 10 of 10");
    EXPECT_EQ(out.sink.requests[1].e2e().value, 0);
    EXPECT_EQ(out.sink.requests[2].outcome, Outcome::finished);
    EXPECT_EQ(out.snapshot.rejected, 2);

    scenario.pools[0].batching.chunked_prefill = false;
    scenario.pools[0].batching.max_batched_tokens = Tokens(50);
    const Outcomes unchunked = replay(scenario, {arrival(0, 0, 51, 1)});
    EXPECT_EQ(unchunked.sink.requests[0].reject_reason,
              "pool mixed: prompt is 51 tokens: without chunked prefill a step takes up to 50");
}

// Two stages of 10 ms each: the second batch enters stage 0 when the first leaves it.
TEST(Run, pipeline_stages_hold_several_batches) {
    Scenario scenario = mixed_scenario();
    scenario.pools[0].parallel.pipeline = 2;
    scenario.pools[0].batching.max_batched_tokens = Tokens(100);
    const Outcomes out = replay(scenario, {arrival(0, 0, 100, 1), arrival(1, 0, 100, 1)});
    EXPECT_EQ(out.sink.requests[0].e2e().value, 20'000 * k_us);
    EXPECT_EQ(out.sink.requests[1].e2e().value, 30'000 * k_us);
}

// Windows cut virtual time at multiples of their length; idle ones are left out; counts add up.
TEST(Run, windows_hold_what_happened_in_them) {
    Scenario scenario = mixed_scenario();
    scenario.window = Duration(10 * k_ns_per_ms);
    scenario.slo.ttft = Duration(9 * k_ns_per_ms);
    const Outcomes out = replay(scenario, {arrival(0, 0, 60, 2), arrival(1, 95 * k_ns_per_ms, 100, 1)});
    // First request: prefill [0, 8], decode [8, 13.1]; second: [95, 105].
    ASSERT_EQ(out.sink.windows.size(), 4u);
    EXPECT_EQ(out.sink.windows[0].ttft.max(), 8 * k_ns_per_ms);
    EXPECT_EQ(out.sink.windows[0].running, 1);
    EXPECT_EQ(out.sink.windows[0].busy.value, 10 * k_ns_per_ms);
    EXPECT_EQ(out.sink.windows[1].finished, 1);
    EXPECT_EQ(out.sink.windows[1].within_slo, 1);
    EXPECT_EQ(out.sink.windows[1].busy.value, 3'100 * k_us);
    EXPECT_EQ(out.sink.windows[2].start.ns, 90 * k_ns_per_ms);
    EXPECT_EQ(out.sink.windows[2].arrived, 1);
    EXPECT_EQ(out.sink.windows[3].finished, 1);
    EXPECT_EQ(out.sink.windows[3].within_slo, 0);
}

TEST(Run, round_robin_and_least_outstanding_route_as_they_say) {
    Scenario scenario = mixed_scenario(2);
    const std::vector<Arrival> arrivals = {arrival(0, 0, 100, 100), arrival(1, 1, 100, 1),
                                           arrival(2, 30 * k_ns_per_ms, 1, 1)};
    scenario.pools[0].router = RouterKind::round_robin;
    EXPECT_EQ(replay(scenario, arrivals).sink.requests[1].prefill_replica, 0);
    scenario.pools[0].router = RouterKind::least_outstanding;
    EXPECT_EQ(replay(scenario, arrivals).sink.requests[1].prefill_replica, 1);
}

// What runs at 100 ms is counted then: two on replica 0, which took the first and, both having one, the third. What
// comes meanwhile counts as waiting, four times, so after one request replica 1 is behind again.
TEST(Run, vllm_balancer_counts_every_100_ms) {
    Scenario scenario = mixed_scenario(2);
    scenario.pools[0].router = RouterKind::vllm_balancer;
    std::vector<Arrival> arrivals;
    for (std::int64_t i = 0; i < 3; ++i) arrivals.push_back(arrival(i, i * k_ns_per_ms, 10, 100));
    for (std::int64_t i = 3; i < 6; ++i) arrivals.push_back(arrival(i, (97 + i) * k_ns_per_ms, 10, 100));
    Outcomes out = replay(scenario, arrivals);
    std::sort(out.sink.requests.begin(), out.sink.requests.end(),
              [](const RequestRecord& a, const RequestRecord& b) { return a.sequence < b.sequence; });
    std::vector<std::int32_t> replicas;
    for (const RequestRecord& record : out.sink.requests) replicas.push_back(record.prefill_replica);
    EXPECT_EQ(replicas, (std::vector<std::int32_t>{0, 1, 0, 1, 0, 1}));
}

// The random scenarios of run_property_test.cpp are worth something only if the rare paths occur; this one
// cluster shows that they do.
TEST(Run, a_tight_cluster_preempts_and_still_serves_everyone) {
    Random random(3);
    Scenario scenario = pd_scenario(1, 1, 60);
    const Outcomes out = replay(scenario, random_arrivals(random, 200, 5 * k_ns_per_ms, 300, 200));
    std::int64_t preempted = 0;
    for (const RequestRecord& record : out.sink.requests) preempted += record.preemptions;
    EXPECT_GT(preempted, 10);
    EXPECT_EQ(out.snapshot.finished + out.snapshot.rejected, 200);
    EXPECT_EQ(out.snapshot.preemptions, preempted);
}

}  // namespace
}  // namespace replayd::test
