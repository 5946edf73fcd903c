// The stored form of a learned correction.

#include "replay/cost/laws/forest.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace replayd::cost {
namespace {

/// Two trees of depth 1: x > 1.5 adds 10 instead of 1, y > 4 adds 200 instead of 100; unit 0.5.
Forest two_trees() { return Forest(1, 0.5F, {{1.5F}, {4.0F}}, {{0, 0}, {1, 0}}, {1, 10, 100, 200}); }

// A value at the edge goes left; trees add up.
TEST(Forest, adds_the_leaf_of_every_tree) {
    EXPECT_EQ(two_trees().sum(std::vector<float>{1.5F, 4.0F}), 0.5 * (1 + 100));
    EXPECT_EQ(two_trees().sum(std::vector<float>{1.6F, 9.0F}), 0.5 * (10 + 200));
}

// What was written reads back as the same forest.
TEST(Forest, survives_a_round_trip) {
    const std::string bytes = two_trees().to_bytes();
    const auto again = Forest::from_bytes(bytes);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->to_bytes(), bytes);
    EXPECT_EQ(again->sum(std::vector<float>{2, 0}), 0.5 * (10 + 100));
}

// Every proper prefix, a longer text and a split on a feature that is not there are refused.
TEST(Forest, refuses_damaged_bytes) {
    const std::string bytes = two_trees().to_bytes();
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        const auto cut = Forest::from_bytes(std::string_view(bytes).substr(0, length));
        ASSERT_FALSE(cut) << length;
        EXPECT_EQ(cut.error().message, "a law's forest of trees is cut short or damaged; fit the law again");
    }
    EXPECT_FALSE(Forest::from_bytes(bytes + "x"));
    const Forest unknown_feature(1, 0.5F, {{1.5F}}, {{3, 0}}, {1, 10});
    EXPECT_FALSE(Forest::from_bytes(unknown_feature.to_bytes()));
}

}  // namespace
}  // namespace replayd::cost
