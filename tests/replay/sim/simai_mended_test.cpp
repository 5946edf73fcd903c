// What the specification of SimAI says should happen instead of its defects D6, D7 and D10, on small clusters made for
// it.

#include <gtest/gtest.h>

#include <map>

#include "tests/replay/sim/fixture.hpp"

namespace replayd::test {
namespace {

// D6: SimAI fixes the decode replica at arrival by turns. Ours is chosen when the prefill is done: the replica whose
// turn it would be has no room for the third request, so that goes to the other and waits for nothing.
TEST(SimaiMended, a_hand_off_goes_where_there_is_room) {
    Scenario scenario = pd_scenario(1, 2, 0);
    scenario.pools[0].kv.num_blocks = 1000;
    scenario.pools[1].kv.num_blocks = 14;  // of 16 tokens
    const Outcomes out =
        replay(scenario, {arrival(0, 0, 150, 40), arrival(1, 1, 20, 3), arrival(2, 100'000'000, 150, 4)});
    std::map<std::string, const RequestRecord*> by_id;
    for (const RequestRecord& record : out.sink.requests) by_id[record.id] = &record;
    EXPECT_EQ(by_id["r0"]->decode_replica, 1);
    EXPECT_EQ(by_id["r1"]->decode_replica, 2);
    EXPECT_GT(by_id["r0"]->finished, by_id["r2"]->first_token) << "the first still holds its blocks";
    EXPECT_EQ(by_id["r2"]->decode_replica, 2) << "by turns it would be replica 1";
    EXPECT_EQ(by_id["r2"]->ledger[LedgerPart::transfer_wait], Duration(0));
    // And with room on both, load decides: the fewest requests that have not left.
    scenario.pools[1].kv.num_blocks = 1000;
    const Outcomes wide =
        replay(scenario, {arrival(0, 0, 150, 40), arrival(1, 1, 20, 3), arrival(2, 100'000'000, 150, 4)});
    for (const RequestRecord& record : wide.sink.requests) {
        if (record.id == "r2") {
            EXPECT_EQ(record.decode_replica, 2);
        }
    }
}

// D7: a prompt beyond the token budget is computed in chunks on a prefill pool too, and then moved as a whole.
TEST(SimaiMended, a_prefill_pool_chunks_long_prompts) {
    Scenario scenario = pd_scenario(1, 1);
    scenario.pools[0].batching.max_batched_tokens = Tokens(4096);
    const Outcomes out = replay(scenario, {arrival(0, 0, 5000, 4)}, {}, true);
    ASSERT_EQ(out.sink.requests.size(), 1U);
    EXPECT_EQ(out.sink.requests[0].outcome, Outcome::finished) << out.sink.requests[0].reject_reason;
    ASSERT_GE(out.sink.batches.size(), 2U);
    EXPECT_EQ(out.sink.batches[0].members[0].tokens, Tokens(4096));
    EXPECT_EQ(out.sink.batches[1].members[0].tokens, Tokens(904));
}

// D10: the source keeps the blocks until the copy has ended: with room for one prompt, the second starts when the first
// has left, not when it was computed. And the destination's blocks are taken before the copy begins.
TEST(SimaiMended, kv_is_reserved_on_both_sides_of_a_transfer) {
    Scenario scenario = pd_scenario(1, 1, 0);
    scenario.pools[0].kv.num_blocks = 12;
    scenario.pools[1].kv.num_blocks = 100;
    scenario.transfer.bytes_per_s = 1e6;  // 1,024 bytes a token: 160 ms for 160 tokens
    const Outcomes out = replay(scenario, {arrival(0, 0, 160, 2), arrival(1, 1, 160, 2)}, {}, true);
    ASSERT_EQ(out.sink.requests.size(), 2U);
    const RequestRecord& first = out.sink.requests[0];
    const RequestRecord& second = out.sink.requests[1];
    const VirtualTime arrived = first.first_token + first.ledger[LedgerPart::transfer];
    EXPECT_EQ(second.scheduled, arrived) << "SimAI frees them at the end of the prefill";
    const std::vector<Arrival> arrivals = {arrival(0, 0, 160, 2)};
    KeepingSink sink;
    replayd::Run run(compiled(scenario), sink);
    for (const Arrival& next : arrivals) run.offer(next);
    run.advance(first.first_token + Duration(1));
    EXPECT_EQ(run.snapshot().transferring, 1);
    EXPECT_EQ(run.snapshot().kv_blocks_used, 10 + 11) << "160 tokens at the source, 161 at the destination";
    run.finish();
    EXPECT_EQ(run.snapshot().kv_blocks_used, 0);
}

}  // namespace
}  // namespace replayd::test
