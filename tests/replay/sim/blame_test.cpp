// What waiting and interference are blamed on, in cases small enough to follow by hand. Linear cost: a step takes
// 5 ms + 50 µs per prompt token + 0.1 ms per decode.

#include <gtest/gtest.h>

#include "tests/replay/sim/fixture.hpp"

namespace replayd::test {
namespace {

constexpr std::int64_t k_us = 1'000;

/// The record of the request with this sequence.
const RequestRecord& of(const Outcomes& out, std::int64_t sequence) {
    for (const RequestRecord& record : out.sink.requests) {
        if (record.sequence == sequence) return record;
    }
    throw std::runtime_error("no such request");
}

// It comes 1 ms after a step of 10 ms began.
TEST(Blame, waiting_for_the_step_under_way) {
    const Outcomes out = replay(mixed_scenario(), {arrival(0, 0, 100, 1), arrival(1, k_ns_per_ms, 100, 1)});
    EXPECT_EQ(of(out, 1).blame[BlameCause::step_in_flight].value, 9 * k_ns_per_ms);
    EXPECT_EQ(of(out, 1).ledger[LedgerPart::prefill_queue].value, 9 * k_ns_per_ms);
}

// Both are there; the first one's prompt fills the step.
TEST(Blame, waiting_for_tokens_of_the_budget) {
    Scenario scenario = mixed_scenario();
    scenario.pools[0].batching.max_batched_tokens = Tokens(100);
    const Outcomes out = replay(scenario, {arrival(0, 0, 100, 1), arrival(1, 0, 100, 1)});
    EXPECT_EQ(of(out, 1).blame[BlameCause::token_budget].value, 10 * k_ns_per_ms);
    EXPECT_EQ(of(out, 1).blame[BlameCause::step_in_flight].value, 0);
}

// One may run: the second waits for the whole of the first, of three steps.
TEST(Blame, waiting_for_a_place_among_the_running) {
    Scenario scenario = mixed_scenario();
    scenario.pools[0].batching.max_sequences = 1;
    const Outcomes out = replay(scenario, {arrival(0, 0, 100, 3), arrival(1, 0, 100, 1)});
    EXPECT_EQ(of(out, 1).blame[BlameCause::sequence_limit].value, 20'200 * k_us);
}

// Seven blocks hold one of the two prompts of 100 tokens.
TEST(Blame, waiting_for_kv_blocks) {
    const Outcomes out = replay(mixed_scenario(1, 8), {arrival(0, 0, 100, 3), arrival(1, 0, 100, 1)});
    EXPECT_EQ(of(out, 1).blame[BlameCause::kv_blocks].value, 20'200 * k_us);
}

// A static batch takes nobody in.
TEST(Blame, waiting_for_a_static_batch) {
    Scenario scenario = mixed_scenario();
    scenario.pools[0].batching.policy = BatchPolicyKind::faster_transformer;
    scenario.pools[0].max_context = Tokens(1'000);
    const Outcomes out = replay(scenario, {arrival(0, 0, 100, 3), arrival(1, k_ns_per_ms, 100, 1)});
    EXPECT_EQ(of(out, 1).blame[BlameCause::batch_rule].value, 19'200 * k_us);
}

// The second one's prompt of 200 tokens is computed in a step in which the first one decodes.
TEST(Blame, interference_is_split_into_prompts_and_decodes_of_others) {
    const Outcomes out = replay(mixed_scenario(), {arrival(0, 0, 100, 3), arrival(1, 11 * k_ns_per_ms, 200, 1)});
    EXPECT_EQ(of(out, 0).blame[BlameCause::other_prefill].value, 10 * k_ns_per_ms);
    EXPECT_EQ(of(out, 0).blame[BlameCause::other_decodes].value, 0);
    EXPECT_EQ(of(out, 1).blame[BlameCause::other_decodes].value, 100 * k_us);
    EXPECT_EQ(of(out, 1).blame[BlameCause::other_prefill].value, 0);
}

// The decode pool takes one sequence; the second one's KV waits until the first has finished.
TEST(Blame, waiting_for_a_destination) {
    Scenario scenario = pd_scenario(2, 1);
    scenario.pools[1].batching.max_sequences = 1;
    const Outcomes out = replay(scenario, {arrival(0, 0, 100, 11), arrival(1, 0, 100, 2)});
    const RequestRecord& late = of(out, 1);
    EXPECT_EQ(late.blame[BlameCause::destination_sequences], late.ledger[LedgerPart::transfer_wait]);
    EXPECT_GT(late.blame[BlameCause::destination_sequences].value, 50 * k_ns_per_ms);
}

// Two prefill replicas send to one decode replica at once: each gets half of its card.
TEST(Blame, waiting_for_the_link) {
    const Outcomes out = replay(pd_scenario(2, 1), {arrival(0, 0, 100, 2), arrival(1, 0, 100, 2)});
    const RequestRecord& shared = of(out, 1);
    EXPECT_EQ(shared.blame[BlameCause::link], shared.ledger[LedgerPart::transfer_wait]);
    EXPECT_GT(shared.blame[BlameCause::link].value, 0);
    EXPECT_EQ(shared.blame[BlameCause::destination_kv].value, 0);
}

// A window's blame is the sum over the requests that finished in it.
TEST(Blame, windows_add_it_up) {
    Random random(5);
    const Outcomes out = replay(mixed_scenario(1, 60), random_arrivals(random, 60, 5 * k_ns_per_ms, 300, 60));
    Blame requests;
    Blame windows;
    for (const RequestRecord& record : out.sink.requests) requests += record.blame;
    for (const WindowRecord& window : out.sink.windows) windows += window.blame;
    EXPECT_EQ(windows, requests);
    EXPECT_GT(requests[BlameCause::kv_blocks].value, 0);
}

}  // namespace
}  // namespace replayd::test
