// How routed rows fall on the experts of the slowest rank.

#include "replay/cost/laws/expert_spread.hpp"

#include <gtest/gtest.h>

namespace replayd::cost {
namespace {

// 48 tokens × 6 = 288 rows on 256 experts: 224 get one, 32 get two; blocks of 16 hold one expert each.
TEST(ExpertSpread, deals_balanced_rows_evenly) {
    const ExpertSpread spread = expert_spread(48, 6, 256, 1, 0);
    EXPECT_EQ(spread.rows, 288);
    EXPECT_EQ(spread.active, 256);
    EXPECT_EQ(spread.largest, 2);
    EXPECT_EQ(spread.padded[0], 256 * 16);
}

// Fewer rows than experts: one expert a row.
TEST(ExpertSpread, touches_no_more_experts_than_rows) {
    EXPECT_EQ(expert_spread(2, 8, 128, 1, 0).active, 16);
    EXPECT_EQ(expert_spread(2, 8, 128, 8, 0).active, 2);
}

// A skewed law loses no rows on one rank, and no expert takes a token twice.
TEST(ExpertSpread, keeps_every_row_of_a_power_law) {
    for (const double tokens : {16.0, 128.0, 1024.0, 16'384.0}) {
        const ExpertSpread spread = expert_spread(tokens, 8, 256, 1, 1.2);
        EXPECT_NEAR(spread.rows, tokens * 8, 1) << tokens;
        EXPECT_LE(spread.largest, tokens);
        EXPECT_LT(spread.active, 257);
    }
}

// The slowest of 32 ranks carries more than the mean, and no more than a rank's experts can take.
TEST(ExpertSpread, takes_the_busiest_rank) {
    const ExpertSpread spread = expert_spread(4096, 8, 256, 32, 1.01);
    EXPECT_GT(spread.rows, 1.3 * 4096 * 8 / 32);
    EXPECT_LE(spread.rows, 8.0 * 4096);
}

}  // namespace
}  // namespace replayd::cost
