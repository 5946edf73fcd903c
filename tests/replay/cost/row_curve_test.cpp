// Integer curves over rows, and the plane that stands for a kernel of two variables.

#include "replay/cost/row_curve.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "replay/cost/plane_fit.hpp"

namespace replayd::cost {
namespace {

// A straight line is met at every argument, between the points and at the ends.
TEST(RowCurve, meets_a_line_exactly) {
    const RowCurve curve([](double x) { return 5 + 0.25 * x; });
    EXPECT_EQ(curve.ns(0), 0);
    for (const std::int64_t x : {1, 2, 3, 4, 5, 7, 8, 9, 1'000, 1'023, 1'024, 65'537, 1 << 23}) {
        EXPECT_EQ(curve.ns(x), 5'000 + 250 * x) << x;
    }
}

// Where the kernel gets faster with more rows, the curve stays level: its rows could have been padded.
TEST(RowCurve, never_falls) {
    const RowCurve curve([](double x) { return 100 + 30 * std::sin(x / 7) + x / 50; });
    std::int64_t before = 0;
    for (std::int64_t x = 0; x < 20'000; ++x) {
        ASSERT_GE(curve.ns(x), before) << x;
        before = curve.ns(x);
    }
}

// Times of a plane give the plane back.
TEST(PlaneFit, finds_the_plane_behind_exact_times) {
    std::vector<PlaneSample> samples;
    for (const double a : {1.0, 100.0, 1e6}) {
        for (const double b : {1.0, 16.0, 256.0}) samples.push_back({a, b, 4'000 + 0.02 * a + 7 * b});
    }
    const auto plane = fit_plane(samples);
    EXPECT_NEAR(plane[0], 4'000, 1);
    EXPECT_NEAR(plane[1], 0.02, 1e-6);
    EXPECT_NEAR(plane[2], 7, 0.01);
}

// A time that falls as b grows would need a negative coefficient; it is left out, the rest is fitted.
TEST(PlaneFit, never_answers_a_negative_coefficient) {
    const auto plane = fit_plane({{1, 1, 100}, {1, 50, 60}, {1, 100, 50}, {1'000, 1, 300}, {1'000, 100, 260}});
    for (const double coefficient : plane) EXPECT_GE(coefficient, 0);
    EXPECT_GT(plane[1], 0);
}

}  // namespace
}  // namespace replayd::cost
