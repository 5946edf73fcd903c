// Where a decode step reads and writes at the boundary of a block, in the table of the specification and in the engine.

#include "replay/memory/kv_block_bounds.hpp"

#include <gtest/gtest.h>

namespace replayd {
namespace {

using Access = BlockOutOfRange::Access;

// The rows of section 8 with four blocks of 64.
TEST(StateOffsets, equal_the_worked_table) {
    const auto offsets = [](std::int64_t length) { return state_offsets({length, 64, 4, 1}); };
    EXPECT_EQ(offsets(0).value(), (BlockOffsets{-1, 0, 0})) << "no previous state";
    EXPECT_EQ(offsets(1).value(), (BlockOffsets{0, 0, 0}));
    EXPECT_EQ(offsets(64).value(), (BlockOffsets{0, 1, 1})) << "reads one block and writes the next";
    EXPECT_EQ(offsets(255).value(), (BlockOffsets{3, 3, 3}));
    const auto write = offsets(256);
    ASSERT_FALSE(write);
    EXPECT_EQ(write.error().access, Access::write);
    EXPECT_EQ(write.error().offset, 4);
    EXPECT_EQ(write.error().message(),
              "write of block 4 at length 256: the sequence has 4 blocks of 64 tokens; allocate a "
              "block before the step or preempt the sequence");
    const auto read = offsets(257);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().access, Access::read);
    EXPECT_EQ(read.error().message(),
              "read of block 4 at length 257: the sequence has 4 blocks of 64 tokens; the state was "
              "never stored");
}

// Just before, on and just after every boundary, for blocks of 1, 16 and 64 tokens, 1 and 4 blocks, 1 and 3 tokens a
// step: an access is granted exactly where its block exists.
TEST(StateOffsets, at_every_boundary) {
    for (const std::int64_t block : {1, 16, 64}) {
        for (const std::int64_t blocks : {1, 4}) {
            for (const std::int64_t tokens : {1, 3}) {
                for (std::int64_t n = 1; n <= blocks; ++n) {
                    for (const std::int64_t length : {n * block - 1, n * block, n * block + 1}) {
                        const std::int64_t read = length == 0 ? -1 : (length + block - 1) / block - 1;
                        const std::int64_t write = length / block;
                        const auto got = state_offsets({length, block, blocks, tokens});
                        const bool reads = read < blocks;
                        const bool writes = write + tokens <= blocks;
                        ASSERT_EQ(got.has_value(), reads && writes) << length << ' ' << block << ' ' << blocks;
                        if (!got) {
                            EXPECT_EQ(got.error().access, reads ? Access::write : Access::read);
                            EXPECT_GE(got.error().offset, blocks);
                        } else {
                            EXPECT_EQ(*got, (BlockOffsets{read, write, write + tokens - 1}));
                        }
                    }
                }
            }
        }
    }
}

// With exactly the blocks that are asked for, a step is granted; with one fewer it is not.
TEST(BlocksNeeded, are_enough_and_not_more) {
    for (const std::int64_t block : {1, 16, 64}) {
        for (std::int64_t length = 0; length <= 3 * block + 1; ++length) {
            for (const std::int64_t tokens : {1, 3}) {
                const std::int64_t slots = state_blocks_needed({length, block, 0, tokens});
                EXPECT_TRUE(state_offsets({length, block, slots, tokens}));
                EXPECT_FALSE(state_offsets({length, block, slots - 1, tokens}));
                const std::int64_t kv = kv_blocks_needed({length, block, 0, tokens});
                EXPECT_GE(kv * block, length + tokens);
                EXPECT_LT((kv - 1) * block, length + tokens);
            }
        }
    }
    EXPECT_EQ(kv_blocks_needed({63, 64, 0, 1}), 1);
    EXPECT_EQ(kv_blocks_needed({64, 64, 0, 1}), 2) << "a full last block needs a new one before the write";
    EXPECT_EQ(kv_blocks_needed({62, 64, 0, 3}), 2);
    EXPECT_EQ(state_blocks_needed({64, 64, 0, 3}), 4);
}

}  // namespace
}  // namespace replayd
