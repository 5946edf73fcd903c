#pragma once
// A step of an AFD replica for people: its stages, what the network adds, which resource is idle for how long.

#include <string>

#include "replay/cost/afd/afd_cost.hpp"

namespace replayd::ctl {

/// A table of the stages' times in an MoE layer, and lines about overlap.
[[nodiscard]] std::string afd_step_text(const afd::StepView& view);

}  // namespace replayd::ctl
