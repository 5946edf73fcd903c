#pragma once
// A time over one argument through measured points: straight between them, level before the first, and beyond the
// last straight on with a slope that is given or that of the upper half. For compiling tables, not for queries.

#include <vector>

#include "replay/cost/tables/step_profile.hpp"

namespace replayd::cost {

class MeasuredLine {
public:
    /// Points in any order, at least one; of several with the same x the first counts. `slope_beyond` < 0: found from
    /// the points.
    explicit MeasuredLine(std::vector<TimePoint> points, double slope_beyond = -1);

    [[nodiscard]] double us(double x) const;
    [[nodiscard]] double x_max() const { return points_.back().x; }

private:
    std::vector<TimePoint> points_;
    double slope_beyond_;
};

}  // namespace replayd::cost
