#include "replay/cost/tables/surface.hpp"

#include <cmath>

#include "replay/base/assert.hpp"

namespace replayd::cost {
namespace {

constexpr double k_ns_per_us = 1000;
/// Range of the arithmetic, 274 s: such times weighed twice with 12-bit fractions stay in int64, straight on to eight
/// times the last point too.
constexpr double k_ns_max = 2.7e11;
constexpr std::int64_t k_argument_max = std::int64_t{1} << 44;

double argument(std::size_t point) {
    if (point < 4) return static_cast<double>(point);
    return std::ldexp(static_cast<double>(4 + (point - 4) % 4), static_cast<int>((point - 4) / 4));
}

std::size_t points_to(std::int64_t largest) {
    std::size_t points = 5;  // one cell beyond the four single points
    while (argument(points - 1) < static_cast<double>(largest)) ++points;
    return points;
}

}  // namespace

Surface::Surface(std::int64_t x_max, std::int64_t y_max, const std::function<double(double x, double y)>& us_of)
    : columns_(points_to(x_max)), rows_(points_to(y_max)), ns_(columns_ * rows_) {
    REPLAYD_ASSERT(x_max >= 1 && x_max <= k_argument_max && y_max >= 1 && y_max <= k_argument_max);
    for (std::size_t row = 0; row < rows_; ++row) {
        for (std::size_t column = 0; column < columns_; ++column) {
            const double ns = us_of(argument(column), argument(row)) * k_ns_per_us;
            REPLAYD_ASSERT(ns >= 0);
            std::int64_t& cell = ns_[row * columns_ + column];
            cell = std::llround(std::min(ns, k_ns_max));
            if (column > 0) cell = std::max(cell, (&cell)[-1]);
            if (row > 0) cell = std::max(cell, ns_[(row - 1) * columns_ + column]);
        }
    }
}

Surface::Place Surface::beyond(std::int64_t x, std::size_t points) {
    const std::size_t cell = points - 2;
    const auto begin = static_cast<std::int64_t>(argument(cell));
    const auto width = static_cast<std::int64_t>(argument(cell + 1)) - begin;
    // Eight times the last point is further than any step; what lies beyond costs the same.
    const std::int64_t into = std::min(x - begin, 32 * width);
    return {cell, into * k_one / width};
}

}  // namespace replayd::cost
