#pragma once
// Named corrections of step times, fitted to what production observed and applied only where a scenario states them.

#include "replay/base/units.hpp"

namespace replayd {

/// A step that the cost model prices at t takes kernels × t + host on every pipeline stage.
struct CalibrationSpec {
    double kernels = 1;  ///< 0.01 to 100
    Duration host{0};    ///< what the host adds to every step beside the GPU's work, 0 or more

    [[nodiscard]] bool changes_anything() const { return kernels != 1 || host != Duration(0); }
    bool operator==(const CalibrationSpec&) const = default;
};

}  // namespace replayd
