#pragma once
// A time that never falls as its argument grows: integer nanoseconds at four points per octave, straight lines
// between them. Queries are integer arithmetic without search. Immutable; any thread.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace replayd::cost {

class RowCurve {
public:
    /// Arguments from 1 to 2^23, the largest number of rows or sequences of a step.
    static constexpr int k_octaves = 23;

    /// Samples `us_of` (microseconds, ≥ 0) at every point and takes the running maximum: where a kernel gets
    /// faster with more work, the step could have been padded to it.
    explicit RowCurve(const std::function<double(double x)>& us_of);

    /// Nanoseconds at `x` from 0 to 2^23; 0 at 0. Never falls.
    [[nodiscard]] std::int64_t ns(std::int64_t x) const {
        if (x < 4) return ns_[static_cast<std::size_t>(x)];
        const int octave = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(x))) - 1;
        const int width_bits = octave - 2;
        const std::int64_t quarter = (x >> width_bits) & 3;
        const std::size_t point = 4 + 4 * static_cast<std::size_t>(octave - 2) + static_cast<std::size_t>(quarter);
        const std::int64_t into = x - ((4 + quarter) << width_bits);
        return ns_[point] + (((ns_[point + 1] - ns_[point]) * into) >> width_bits);
    }

private:
    /// At 0, 1, 2, 3, then four points an octave from 4 on, and two past the last.
    std::array<std::int64_t, 4 + 4 * (k_octaves - 1) + 2> ns_{};
};

}  // namespace replayd::cost
