#include "replay/cost/eplb.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace replayd::cost {
namespace {

// The example of deepseek-ai/EPLB's README: 12 experts in 4 groups, 16 slots, 2 nodes of 4 GPUs, two layers.
TEST(Eplb, places_the_published_example_as_published) {
    const EplbShape shape{.physical = 16, .groups = 4, .nodes = 2, .gpus = 8};
    const std::vector<double> first = {90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86};
    const std::vector<double> second = {20, 107, 104, 64, 19, 197, 187, 157, 172, 86, 16, 27};
    EXPECT_EQ(eplb_plan(first, shape), (std::vector<std::int64_t>{5, 6, 5, 7, 8, 4, 3, 4, 10, 9, 10, 2, 0, 1, 11, 1}));
    EXPECT_EQ(eplb_plan(second, shape), (std::vector<std::int64_t>{7, 10, 6, 8, 6, 11, 8, 9, 2, 4, 5, 1, 5, 0, 3, 1}));
}

// Groups that do not divide over the nodes: every node may hold any expert, and all have a slot.
TEST(Eplb, falls_back_to_a_global_plan) {
    const std::vector<double> load = {8, 1, 1, 1, 1, 1};
    const auto plan = eplb_plan(load, {.physical = 9, .groups = 2, .nodes = 3, .gpus = 3});
    ASSERT_EQ(plan.size(), 9U);
    for (std::int64_t expert = 0; expert < 6; ++expert) EXPECT_GE(std::count(plan.begin(), plan.end(), expert), 1);
    EXPECT_EQ(std::count(plan.begin(), plan.end(), 0), 4);  // 8 / 3 is still the most when the third copy is chosen
}

// Without load to tell experts apart the first ones get the copies.
TEST(Eplb, equal_loads_copy_the_first_expert_only_until_others_are_busier) {
    const auto plan = eplb_plan(std::vector<double>{1, 1, 1, 1}, {.physical = 6, .gpus = 2});
    EXPECT_EQ(std::count(plan.begin(), plan.end(), 0), 2);
    EXPECT_EQ(std::count(plan.begin(), plan.end(), 1), 2);
    EXPECT_EQ(std::count(plan.begin(), plan.end(), 2), 1);
}

}  // namespace
}  // namespace replayd::cost
