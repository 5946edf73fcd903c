#pragma once
// Working memory of the largest step: what vLLM finds by running one when it starts (profile run).

#include <vector>

#include "replay/catalog/pipeline_stage.hpp"
#include "replay/memory/memory_plan.hpp"

namespace replayd {

/// Tokens of the largest step of one data rank: the token budget, or the longest prompt under a policy that takes
/// prompts whole without a budget (orca, faster_transformer).
[[nodiscard]] std::int64_t largest_step_tokens(const PoolSpec& pool);

/// What the largest step takes on one GPU of the stage: the larger of the forward pass (hidden states and the widest
/// layer) and, on the last stage, sampling; the workspace that fused experts keep; cuBLAS's workspace. As vLLM 0.17
/// and later measure it.
[[nodiscard]] std::vector<MemoryItem> activation_items(const ModelSpec& model, const PoolSpec& pool,
                                                       const PipelineStage& stage);

/// The table of cosines and sines that vLLM computes for every position of the model
/// (vllm/model_executor/layers/rotary_embedding/base.py).
[[nodiscard]] MemoryItem rotary_item(const ModelSpec& model);

/// MLA only: gathered context of chunked prefill and its up-projected keys and values; 0 bytes otherwise.
[[nodiscard]] MemoryItem mla_workspace_item(const ModelSpec& model, const PoolSpec& pool);

}  // namespace replayd
