#pragma once
// A step of an AFD replica for people and as JSON: its stages, what the network adds, which resource is idle for how
// long.

#include <span>
#include <string>

#include <boost/json/object.hpp>

#include "replay/cost/afd/afd_cost.hpp"

namespace replayd::ctl {

/// Share of the step in which a resource does nothing for the layers: its bubbles.
[[nodiscard]] double bubble_share(const afd::StepView& view, afd::Resource resource);

/// A table of the stages' times in an MoE layer, and lines about overlap.
[[nodiscard]] std::string afd_step_text(const afd::StepView& view);

/// The same with all layers' kinds, and the visits of the middle layer with times from its first one.
[[nodiscard]] boost::json::object afd_step_json(const afd::AfdCost& cost, const afd::StepView& view,
                                                std::span<const StepShape> ranks, std::int64_t layers);

}  // namespace replayd::ctl
