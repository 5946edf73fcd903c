#pragma once
// When the predictions of a run count as having drifted away from what production observed.

#include <cstdint>

#include "replay/base/units.hpp"

namespace replayd {

/// The rule of the drift alarm. Requests are taken by windows of the virtual time at which they finish. A window counts
/// for a metric when at least `requests_min` of its requests carry an observation of it, and is off when the size of
/// its bias is beyond the bound. `windows` counted windows in a row that are off raise the alarm of the metric, as many
/// that are not take it back.
struct DriftSpec {
    Duration window{60 * k_ns_per_s};
    std::int64_t requests_min = 20;
    double bias = 0.25;        ///< TTFT, TPOT, E2E: bound of (predicted - observed) / observed, of the window's sums
    double cache_bias = 0.05;  ///< cached tokens: bound of (predicted - observed) / prompt tokens, of the window's sums
    std::int64_t windows = 3;

    bool operator==(const DriftSpec&) const = default;
};

}  // namespace replayd
