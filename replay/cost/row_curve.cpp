#include "replay/cost/row_curve.hpp"

#include <algorithm>
#include <cmath>

#include "replay/base/assert.hpp"

namespace replayd::cost {
namespace {

constexpr double k_ns_per_us = 1000;
/// Range of the arithmetic: longer than any kernel of a step that fits into k_field_max; the differences times 2^21
/// stay in range.
constexpr double k_ns_max = 4e12;

}  // namespace

double curve_argument(std::size_t point) {
    if (point < 4) return static_cast<double>(point);
    const auto octave = static_cast<int>((point - 4) / 4) + 2;
    return std::ldexp(static_cast<double>(4 + (point - 4) % 4), octave - 2);
}

RowCurve::RowCurve(const std::function<double(double x)>& us_of) {
    for (std::size_t point = 1; point < ns_.size(); ++point) {
        const double ns = us_of(curve_argument(point)) * k_ns_per_us;
        REPLAYD_ASSERT(ns >= 0);
        ns_[point] = std::max<std::int64_t>(ns_[point - 1], std::llround(std::min(ns, k_ns_max)));
    }
}

RowCurve RowCurve::halved() const {
    return RowCurve([this](double x) {
        const auto whole = static_cast<std::int64_t>(x);
        const std::int64_t ns_of_all = whole < 2 ? ns(whole) : 2 * ns((whole + 1) / 2);
        return static_cast<double>(ns_of_all) / k_ns_per_us;
    });
}

}  // namespace replayd::cost
