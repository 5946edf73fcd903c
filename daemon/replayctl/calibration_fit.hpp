#pragma once
// Fits the multipliers of [cost.calibration] to what production observed of one part of a trace and scores them on the
// part after it. Nothing is applied: whoever asked decides.

#include <array>
#include <cstdint>
#include <span>

#include "replay/base/error.hpp"
#include "replay/catalog/scenario.hpp"
#include "replay/sim/residuals.hpp"
#include "replay/trace/arrival.hpp"

namespace replayd::ctl {

/// TTFT, TPOT and E2E of one part of a trace.
struct PartScore {
    std::array<ResidualSums, 3> metrics;  ///< by ResidualMetric
    double log_errors = 0;                ///< Σ |ln(predicted / observed)| over all of them, where both are above 0
    std::int64_t log_count = 0;

    /// Mean size of ln(predicted / observed): 0.1 is off by some 10 % either way. 0 without observations.
    [[nodiscard]] double error() const { return log_count == 0 ? 0 : log_errors / static_cast<double>(log_count); }
};

struct SplitScore {
    PartScore fitted;    ///< requests that the multipliers are fitted to
    PartScore held_out;  ///< those that arrived after them
};

struct CalibrationFit {
    CalibrationSpec calibration;  ///< rounded as it would be written: three decimals, whole microseconds
    SplitScore before;            ///< of the scenario as it is
    SplitScore after;
    std::int64_t replays = 0;

    /// The held-out error falls by more than a hundredth of itself.
    [[nodiscard]] bool improves() const { return after.held_out.error() < 0.99 * before.held_out.error(); }
};

/// Replays all of `arrivals` under every calibration that is tried, a pattern search from the scenario's own, and takes
/// the one with the least error over the first 1 - `held_out` (0 to 1) of the requests. Deterministic. Errors:
/// `invalid_argument` where a part has no observed requests, and those of the scenario.
[[nodiscard]] Result<CalibrationFit> fit_calibration(const Scenario& scenario, std::span<const Arrival> arrivals,
                                                     double held_out);

}  // namespace replayd::ctl
