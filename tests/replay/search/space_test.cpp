// Candidates and their numbers; Latin hypercubes.

#include "replay/search/space.hpp"

#include <gtest/gtest.h>

#include <set>

namespace replayd::search {
namespace {

Axis axis(const std::string& key, std::int64_t count) {
    Axis out{key, {}, false};
    for (std::int64_t i = 0; i < count; ++i) out.alternatives.push_back({key + "=" + std::to_string(i)});
    return out;
}

TEST(Space, numbers_and_places_are_each_others_inverse) {
    const Space space({axis("a", 3), axis("b", 1), axis("c", 4)});
    EXPECT_EQ(space.size(), 12);
    for (std::int64_t i = 0; i < space.size(); ++i) EXPECT_EQ(space.candidate(space.places(i)), i);
    EXPECT_EQ(space.settings(0), (Settings{"a=0", "b=0", "c=0"}));
    EXPECT_EQ(space.settings(5), (Settings{"a=1", "b=0", "c=1"}));
}

// With as many points as alternatives every alternative of every axis occurs exactly once.
TEST(LatinHypercube, draws_each_part_of_each_axis_once) {
    const Space space({axis("a", 16), axis("b", 16), axis("c", 16)});
    const auto drawn = latin_hypercube(space, 16, 7);
    ASSERT_EQ(drawn.size(), 16U);
    for (std::size_t a = 0; a < 3; ++a) {
        std::set<std::int64_t> places;
        for (const std::int64_t candidate : drawn) places.insert(space.places(candidate)[a]);
        EXPECT_EQ(places.size(), 16U) << "axis " << a;
    }
}

TEST(LatinHypercube, draws_different_candidates_and_the_same_ones_for_a_seed) {
    const Space space({axis("a", 2), axis("b", 30)});
    const auto drawn = latin_hypercube(space, 40, 1);
    EXPECT_EQ(std::set<std::int64_t>(drawn.begin(), drawn.end()).size(), 40U);
    EXPECT_EQ(drawn, latin_hypercube(space, 40, 1));
    EXPECT_NE(drawn, latin_hypercube(space, 40, 2));
    EXPECT_EQ(latin_hypercube(space, 60, 1).size(), 60U);
}

}  // namespace
}  // namespace replayd::search
