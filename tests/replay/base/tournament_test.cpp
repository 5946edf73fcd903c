#include "replay/base/tournament.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "replay/base/random.hpp"

namespace replayd {
namespace {

// Against the obvious way, for sizes that are and are not powers of two. No value is ever below the one that all begin
// with, so a place that pads the tree would win if it were left at that.
TEST(Tournament, the_least_is_the_first_of_the_players_with_the_least_value) {
    Random random(11);
    for (std::size_t players = 1; players <= 20; ++players) {
        Tournament tournament(players, 7);
        std::vector<std::int64_t> values(players, 7);
        EXPECT_EQ(tournament.least(), 0);
        for (int i = 0; i < 300; ++i) {
            const std::size_t player = random.below(players);
            values[player] = 7 + static_cast<std::int64_t>(random.below(4));
            tournament.set(static_cast<std::int32_t>(player), values[player]);
            const auto least = std::min_element(values.begin(), values.end());
            ASSERT_EQ(tournament.least_value(), *least);
            ASSERT_EQ(tournament.least(), least - values.begin());
        }
    }
}

}  // namespace
}  // namespace replayd
