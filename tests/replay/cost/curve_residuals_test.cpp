// What a law leaves over on known curves: kept, blended between neighbours, and nothing elsewhere.

#include "replay/cost/laws/curve_residuals.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace replayd::cost {
namespace {

const std::vector<CurveResiduals::Call> k_calls = {{7, 16, 0.2},  {7, 32, 0.2},   {7, 64, 0.2},    {7, 1'024, -0.4},
                                                   {7, 2'048, -0.4}, {9, 1, 0.7}};

TEST(CurveResiduals, follow_the_neighbours_on_their_curve) {
    const CurveResiduals residuals(k_calls);
    EXPECT_GT(residuals.at(7, 32), 0.15);
    EXPECT_LT(residuals.at(7, 1'500), -0.3);
    EXPECT_LT(residuals.at(7, 256), residuals.at(7, 64));
    EXPECT_GT(residuals.at(7, 256), residuals.at(7, 1'024));
}

// A single call counts for less than what it says; beyond its ends a curve stays as it is there.
TEST(CurveResiduals, shrink_where_calls_are_few_and_stay_constant_beyond_the_ends) {
    const CurveResiduals residuals(k_calls);
    EXPECT_NEAR(residuals.at(9, 1), 0.7 / 1.2, 0.005);
    EXPECT_EQ(residuals.at(9, 1e6), residuals.at(9, 1));
    EXPECT_EQ(residuals.at(7, 1e9), residuals.at(7, 2'048));
}

TEST(CurveResiduals, say_nothing_of_unknown_curves) {
    EXPECT_EQ(CurveResiduals(k_calls).at(8, 32), 0);
    EXPECT_EQ(CurveResiduals().at(7, 32), 0);
}

// Between two calls in proportion to the octaves from each; calls at one place count as their mean; the ends hold.
TEST(CurveResiduals, run_straight_between_the_calls_of_their_curve) {
    const CurveResiduals residuals({{7, 16, 0.2}, {7, 64, 0.4}, {7, 64, 0.6}, {7, 256, -0.5}});
    EXPECT_NEAR(residuals.between(7, 16).value(), 0.2, 0.005);
    EXPECT_NEAR(residuals.between(7, 32).value(), 0.35, 0.005);
    EXPECT_NEAR(residuals.between(7, 64).value(), 0.5, 0.005);
    EXPECT_NEAR(residuals.between(7, 128).value(), 0.0, 0.005);
    EXPECT_EQ(residuals.between(7, 1), residuals.between(7, 16));
    EXPECT_EQ(residuals.between(7, 1e9), residuals.between(7, 256));
    EXPECT_EQ(residuals.between(8, 16), std::nullopt);
}

// Cut anywhere, the bytes are refused; whole, they say the same.
TEST(CurveResiduals, survive_their_bytes_and_refuse_damaged_ones) {
    const CurveResiduals residuals(k_calls);
    const std::string bytes = residuals.to_bytes();
    const auto again = CurveResiduals::from_bytes(bytes);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->at(7, 100), residuals.at(7, 100));
    EXPECT_EQ(again->to_bytes(), bytes);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        const auto cut = CurveResiduals::from_bytes(std::string_view(bytes).substr(0, length));
        ASSERT_FALSE(cut) << length;
        EXPECT_EQ(cut.error().message, "a law's residuals are cut short or damaged; fit the law again");
    }
}

}  // namespace
}  // namespace replayd::cost
