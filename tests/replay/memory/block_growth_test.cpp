// A sequence that fills its last block gets a new one or is preempted, never a write out of range: in the engine,
// around the boundary of a block, with exactly enough blocks, one too few, and none to spare between two sequences.

#include <gtest/gtest.h>

#include "replay/memory/concurrency.hpp"
#include "replay/memory/kv_block_bounds.hpp"
#include "tests/replay/sim/fixture.hpp"

namespace replayd {
namespace {

constexpr std::int64_t k_block = 16;

// One request whose context ends just before, on and just after a boundary runs in exactly the blocks that the last
// step's write needs, and is refused with one fewer.
TEST(BlockGrowth, needs_exactly_the_blocks_of_the_last_write) {
    for (const std::int64_t context :
         {k_block - 1, k_block, k_block + 1, 3 * k_block - 1, 3 * k_block, 3 * k_block + 1}) {
        for (const std::int64_t output : {std::int64_t{2}, k_block / 2}) {
            SCOPED_TRACE(std::to_string(context) + " tokens, " + std::to_string(output) + " of them made");
            // The last step feeds the token before the last: it writes at `context − 1` and reads all before.
            const std::int64_t blocks = kv_blocks_needed({context - 1, k_block, 0, 1});
            const test::Outcomes enough =
                test::replay(test::mixed_scenario(1, blocks), {test::arrival(0, 0, context + 1 - output, output)});
            ASSERT_EQ(enough.sink.requests.size(), 1U);
            EXPECT_EQ(enough.sink.requests[0].outcome, Outcome::finished) << enough.sink.requests[0].reject_reason;
            EXPECT_EQ(enough.sink.requests[0].preemptions, 0);
            const Scenario s = test::mixed_scenario(1, blocks);
            EXPECT_EQ(blocks_per_request(s.model, s.pools[0], plan_pool(s.model, s.pools[0]),
                                         {Tokens(context + 1 - output), Tokens(output)}),
                      blocks);
            if (blocks == 1) continue;
            const test::Outcomes short_of_one =
                test::replay(test::mixed_scenario(1, blocks - 1), {test::arrival(0, 0, context + 1 - output, output)});
            EXPECT_EQ(short_of_one.sink.requests[0].outcome, Outcome::rejected);
        }
    }
}

// Two sequences fill their blocks in the same step and one block is left: one takes it, the other is preempted and
// finishes later; the blocks in use never exceed those that exist.
TEST(BlockGrowth, preempts_when_no_block_is_left) {
    const std::vector<Arrival> arrivals = {test::arrival(0, 0, k_block, 8), test::arrival(1, 0, k_block, 8)};
    const test::Outcomes roomy = test::replay(test::mixed_scenario(1, 4), arrivals);
    EXPECT_EQ(roomy.sink.requests[0].preemptions + roomy.sink.requests[1].preemptions, 0);
    const test::Outcomes tight = test::replay(test::mixed_scenario(1, 3), arrivals);
    ASSERT_EQ(tight.sink.requests.size(), 2U);
    EXPECT_EQ(tight.sink.requests[0].preemptions + tight.sink.requests[1].preemptions, 1);
    for (const RequestRecord& request : tight.sink.requests) EXPECT_EQ(request.outcome, Outcome::finished);
}

}  // namespace
}  // namespace replayd
