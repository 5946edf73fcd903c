#pragma once
// The linear cost source: a step costs a constant, plus so much per prefill token and per decoding
// sequence. It prices no real GPU; it makes scenarios whose times can be computed by hand.

#include <memory>

#include "replay/cost/cost_model.hpp"

namespace replayd::cost {

/// A model whose every stage costs `step + prefill_token × P + decode_sequence × D` for a shape with work
/// and nothing for an empty one; P and D are the step's prefill tokens and decoding
/// sequences, where a draft that is verified counts as one.
///
/// Error `invalid_argument` for a coefficient outside 0 … 1 h, and where a step with work could take no
/// time: `step_us` is 0 and one of the other two is 0 too.
[[nodiscard]] Result<std::unique_ptr<const CostModel>> make_linear_cost(const LinearCostSpec& spec,
                                                                        std::int64_t stages);

}  // namespace replayd::cost
