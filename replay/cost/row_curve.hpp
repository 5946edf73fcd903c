#pragma once
// A time that never falls as its argument grows: integer nanoseconds at four points per octave, straight lines
// between them. Queries are integer arithmetic without search. Immutable; any thread.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace replayd::cost {

/// Where a curve is sampled: 0, 1, 2, 3, then four points an octave up to 2^23, the largest number of rows or sequences
/// of a step, and two past it.
inline constexpr int k_curve_octaves = 23;
inline constexpr std::size_t k_curve_points = 4 + 4 * (k_curve_octaves - 1) + 2;
[[nodiscard]] double curve_argument(std::size_t point);

/// The point at or before an argument from 0 to 2^23, and how far behind it the argument lies: `into` of 2^width_bits.
struct CurvePlace {
    std::size_t point = 0;
    std::int64_t into = 0;
    int width_bits = 0;
};
[[nodiscard]] inline CurvePlace curve_place(std::int64_t x) {
    if (x < 4) return {static_cast<std::size_t>(x), 0, 0};
    const int octave = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(x))) - 1;
    const int width_bits = octave - 2;
    const std::int64_t quarter = (x >> width_bits) & 3;
    return {4 + 4 * static_cast<std::size_t>(octave - 2) + static_cast<std::size_t>(quarter),
            x - ((4 + quarter) << width_bits), width_bits};
}

class RowCurve {
public:

    /// Samples `us_of` (microseconds, ≥ 0) at every point and takes the running maximum: where a kernel gets
    /// faster with more work, the step could have been padded to it.
    explicit RowCurve(const std::function<double(double x)>& us_of);

    /// The time of two runs with half the argument each (rounded up); of one run at 1.
    [[nodiscard]] RowCurve halved() const;

    /// Nanoseconds at `x` from 0 to 2^23; 0 at 0. Never falls.
    [[nodiscard]] std::int64_t ns(std::int64_t x) const {
        const CurvePlace at = curve_place(x);
        return ns_[at.point] + (((ns_[at.point + 1] - ns_[at.point]) * at.into) >> at.width_bits);
    }

private:
    std::array<std::int64_t, k_curve_points> ns_{};
};

}  // namespace replayd::cost
