// Ids that are there twice are counted, over every growth of the table, and up to its bound.

#include "daemon/replayctl/repeated_ids.hpp"

#include <gtest/gtest.h>

namespace replayd::ctl {
namespace {

TEST(RepeatedIds, different_ids_are_no_remark) {
    RepeatedIds ids;
    EXPECT_FALSE(ids.remark());
    for (int i = 0; i < 100'000; ++i) ids.look_at(std::to_string(i));
    EXPECT_EQ(ids.count(), 0);
    EXPECT_FALSE(ids.remark());
}

TEST(RepeatedIds, each_request_with_an_id_of_an_earlier_one_counts) {
    RepeatedIds ids;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 5'000; ++i) ids.look_at("r" + std::to_string(i));
    }
    EXPECT_EQ(ids.count(), 10'000);
    ASSERT_TRUE(ids.remark());
    EXPECT_TRUE(ids.remark()->starts_with("10,000 requests have ids that an earlier one has, the first is \"r0\": "));
}

TEST(RepeatedIds, one_is_told_as_one) {
    RepeatedIds ids;
    ids.look_at("a");
    ids.look_at("a");
    ASSERT_TRUE(ids.remark());
    EXPECT_TRUE(ids.remark()->starts_with("1 request has an id that an earlier one has, the first is \"a\": "));
}

TEST(RepeatedIds, memory_ends_at_its_bound) {
    RepeatedIds ids;
    for (std::size_t i = 0; i < RepeatedIds::k_ids_max; ++i) ids.look_at(std::to_string(i));
    ids.look_at("0");
    EXPECT_EQ(ids.count(), 0) << "nothing is looked at any more";
}

}  // namespace
}  // namespace replayd::ctl
