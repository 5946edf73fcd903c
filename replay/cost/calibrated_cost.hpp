#pragma once
// A cost model under the corrections of [cost.calibration].

#include <memory>

#include "replay/catalog/calibration_spec.hpp"
#include "replay/cost/cost_model.hpp"

namespace replayd::cost {

/// `inner` with every stage's time t of a step become kernels × t + host. It is monotone where `inner` is.
[[nodiscard]] std::unique_ptr<const CostModel> make_calibrated_cost(std::unique_ptr<const CostModel> inner,
                                                                    const CalibrationSpec& calibration);

}  // namespace replayd::cost
