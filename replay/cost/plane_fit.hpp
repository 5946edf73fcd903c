#pragma once
// The plane t = fixed + per_a × a + per_b × b, none negative, that lies nearest to sampled times.

#include <array>
#include <vector>

namespace replayd::cost {

struct PlaneSample {
    double a = 0;
    double b = 0;
    double time = 0;  ///< > 0
};

/// Least squares of the relative errors; a coefficient that would be negative is left out. At least one
/// sample. Result: fixed, per_a, per_b.
[[nodiscard]] std::array<double, 3> fit_plane(const std::vector<PlaneSample>& samples);

}  // namespace replayd::cost
