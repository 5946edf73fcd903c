#pragma once
// A time over two arguments that never falls as either grows: integer nanoseconds at four points per octave of each,
// bilinear between them in fixed point, so that a query neither searches nor rounds differently from build to build.
// RowCurve's grid in two dimensions. Immutable; any thread.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace replayd::cost {

class Surface {
public:
    Surface() = default;

    /// Samples `us_of` (microseconds, ≥ 0) for x and y from 0 to at least `x_max` and `y_max` (≥ 1, at most 2^44), and
    /// takes the running maximum along both axes. Beyond, times go on straight.
    Surface(std::int64_t x_max, std::int64_t y_max, const std::function<double(double x, double y)>& us_of);

    /// Nanoseconds at x, y ≥ 0. Never falls in either.
    [[nodiscard]] std::int64_t ns(std::int64_t x, std::int64_t y) const {
        const Place column = place(x, columns_);
        const Place row = place(y, rows_);
        const std::int64_t* corner = ns_.data() + row.point * columns_ + column.point;
        const std::int64_t low = corner[0] * (k_one - column.into) + corner[1] * column.into;
        const std::int64_t* above = corner + columns_;
        const std::int64_t high = above[0] * (k_one - column.into) + above[1] * column.into;
        return ((low >> k_bits) * (k_one - row.into) + (high >> k_bits) * row.into) >> k_bits;
    }

private:
    static constexpr int k_bits = 12;  ///< fractional bits of a position in a cell
    static constexpr std::int64_t k_one = std::int64_t{1} << k_bits;

    struct Place {
        std::size_t point = 0;
        std::int64_t into = 0;  ///< 0 to k_one, more beyond the last cell
    };

    /// Points at 0, 1, 2, 3, then four an octave from 4 on.
    static Place place(std::int64_t x, std::size_t points) {
        if (x < 4) return {static_cast<std::size_t>(x), 0};
        const int octave = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(x))) - 1;
        const std::int64_t quarter = (x >> (octave - 2)) & 3;
        const std::size_t point = 4 + 4 * static_cast<std::size_t>(octave - 2) + static_cast<std::size_t>(quarter);
        if (point + 1 >= points) return beyond(x, points);
        return {point, scaled(x - ((4 + quarter) << (octave - 2)), octave - 2)};
    }
    static std::int64_t scaled(std::int64_t into, int width_bits) {
        return width_bits <= k_bits ? into << (k_bits - width_bits) : into >> (width_bits - k_bits);
    }
    static Place beyond(std::int64_t x, std::size_t points);

    std::size_t columns_ = 0;
    std::size_t rows_ = 0;
    std::vector<std::int64_t> ns_;  ///< [row][column]
};

}  // namespace replayd::cost
