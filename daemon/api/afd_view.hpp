#pragma once
// A step of an AFD replica as JSON, for the API and the command line.

#include <span>

#include <boost/json/object.hpp>

#include "replay/cost/afd/afd_cost.hpp"

namespace replayd::api {

/// Times of the stages in a dense and in an MoE layer, what the network adds and hides, how idle each resource is, and
/// the visits of two layers in the middle with times from the first one.
[[nodiscard]] boost::json::object afd_step_json(const afd::AfdCost& cost, const afd::StepView& view,
                                                std::span<const StepShape> ranks, std::int64_t layers);

}  // namespace replayd::api
