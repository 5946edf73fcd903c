#include "replay/cost/tables/measured_line.hpp"

#include <algorithm>
#include <utility>

#include "replay/base/assert.hpp"

namespace replayd::cost {
namespace {

bool before(const TimePoint& a, const TimePoint& b) { return a.x < b.x; }

/// From the first point of the upper half to the last: single points at the end may be noisy.
double upper_slope(const std::vector<TimePoint>& points) {
    const TimePoint& last = points.back();
    const auto from = std::lower_bound(points.begin(), points.end(), TimePoint{last.x / 2, 0}, before);
    if (from->x >= last.x) return 0;
    return std::max(0.0, (last.us - from->us) / (last.x - from->x));
}

}  // namespace

MeasuredLine::MeasuredLine(std::vector<TimePoint> points, double slope_beyond) : points_(std::move(points)) {
    REPLAYD_ASSERT(!points_.empty());
    std::stable_sort(points_.begin(), points_.end(), before);
    const auto same = [](const TimePoint& a, const TimePoint& b) { return a.x == b.x; };
    points_.erase(std::unique(points_.begin(), points_.end(), same), points_.end());
    slope_beyond_ = slope_beyond >= 0 ? slope_beyond : upper_slope(points_);
}

double MeasuredLine::us(double x) const {
    if (x <= points_.front().x) return points_.front().us;
    if (x >= points_.back().x) return points_.back().us + slope_beyond_ * (x - points_.back().x);
    const auto above = std::upper_bound(points_.begin(), points_.end(), TimePoint{x, 0}, before);
    const TimePoint& low = above[-1];
    return low.us + (above->us - low.us) * (x - low.x) / (above->x - low.x);
}

}  // namespace replayd::cost
