// The picture of predicted against measured times, by its content.

#include "daemon/replayctl/scatter_plot.hpp"

#include <gtest/gtest.h>

#include <string>

namespace replayd::ctl {
namespace {

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

// Axes from 1 to 100 µs over 600 units: 10 µs lies in the middle, and y grows downwards from 60.
TEST(ScatterPlot, places_points_on_logarithmic_axes) {
    const std::string svg = scatter_svg("gemm", {{"h100_sxm/vllm", {{1, 1}, {10, 11}, {100, 90}}}});
    EXPECT_NE(svg.find("<circle cx=\"80.0\" cy=\"660.0\" r=\"1.6\"/>"), std::string::npos) << svg;
    EXPECT_NE(svg.find("<circle cx=\"380.0\" cy=\"347.6\" r=\"1.6\"/>"), std::string::npos) << svg;
    EXPECT_NE(svg.find("<line class=\"equal\" x1=\"80.0\" y1=\"660.0\" x2=\"680.0\" y2=\"60.0\"/>"), std::string::npos)
        << svg;
    EXPECT_EQ(count_of(svg, "class=\"grid\""), 3U);
    EXPECT_EQ(count_of(svg, "class=\"band\""), 1U);
}

// Errors 0, 10 and 10 %; names are escaped.
TEST(ScatterPlot, states_the_errors_of_all_rows_in_title_and_legend) {
    const std::string svg = scatter_svg("a<b", {{"x&y", {{1, 1}, {10, 11}, {100, 90}}}, {"empty", {}}});
    EXPECT_NE(svg.find(">a&lt;b: median 10.0 %, p90 10.0 %</text>"), std::string::npos) << svg;
    EXPECT_NE(svg.find(">x&amp;y</text>"), std::string::npos) << svg;
    EXPECT_NE(svg.find(">3 rows, median 10.0 %, p90 10.0 %</text>"), std::string::npos) << svg;
    EXPECT_EQ(svg.find("empty"), std::string::npos);
}

TEST(ScatterPlot, draws_every_nth_point_of_a_long_series) {
    ScatterSeries series{"many", {}};
    for (std::size_t i = 1; i <= 4 * k_scatter_points_max; ++i) series.points.push_back({static_cast<double>(i), 5});
    const std::string svg = scatter_svg("gemm", {series});
    EXPECT_EQ(count_of(svg, "r=\"1.6\""), k_scatter_points_max);
    EXPECT_NE(svg.find(">6,000 rows"), std::string::npos);
}

TEST(ScatterPlot, of_nothing_has_axes_and_no_points) {
    const std::string svg = scatter_svg("gemm", {});
    EXPECT_EQ(count_of(svg, "<circle"), 0U);
    EXPECT_EQ(count_of(svg, "class=\"grid\""), 2U);
    EXPECT_NE(svg.find("median 0.0 %, p90 0.0 %"), std::string::npos);
}

}  // namespace
}  // namespace replayd::ctl
