#pragma once
// Steps that verify drafts. Beside the model's own operators, which see 1 + drafts rows of each decoding sequence, a
// step pays for making the next drafts: with multi-token-prediction layers one pass after the other, each of one layer
// with its own head. The first pass sees every token of the step, the further ones a token of each sequence that goes
// on. Source: vllm-project/vllm, vllm/v1/spec_decode/eagle.py (propose); the layer: DeepSeek-V3 technical report (arXiv
// 2412.19437), section 2.2: norms of embedding and hidden state, a projection of both, a layer like the model's last,
// the head.

#include <memory>

#include "replay/cost/cost_model.hpp"

namespace replayd::cost {

/// `target` with what drafting adds on top, for a pool with speculation by layers of `model`. `target` is of one stage.
/// Error `invalid_argument` as make_analytic_cost.
[[nodiscard]] Result<std::unique_ptr<const CostModel>> make_speculative_cost(std::unique_ptr<const CostModel> target,
                                                                             const ModelSpec& model,
                                                                             const PoolSpec& pool);

}  // namespace replayd::cost
