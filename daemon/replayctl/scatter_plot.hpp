#pragma once
// Predicted against measured times as an SVG picture: both axes logarithmic, the line of equal times, a band of 10 % on
// either side, one colour per series.

#include <string>
#include <vector>

namespace replayd::ctl {

/// One measured time and what was predicted for it, microseconds, both above 0.
struct ScatterPoint {
    double measured_us = 0;
    double predicted_us = 0;
};

struct ScatterSeries {
    std::string name;  ///< as the legend shows it
    std::vector<ScatterPoint> points;
};

/// Median and 90th percentile of |predicted / measured - 1|.
struct ErrorQuantiles {
    double median = 0;
    double p90 = 0;
};

/// 0 and 0 of no points.
[[nodiscard]] ErrorQuantiles error_quantiles(const std::vector<ScatterSeries>& series);

/// The picture. Of a series with more than `k_scatter_points_max` points every n-th is drawn; the errors in the title
/// and the legend are those of all of them.
[[nodiscard]] std::string scatter_svg(const std::string& title, const std::vector<ScatterSeries>& series);

inline constexpr std::size_t k_scatter_points_max = 1'500;

}  // namespace replayd::ctl
