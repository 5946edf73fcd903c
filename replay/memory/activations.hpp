#pragma once
// Working memory of the largest step: what vLLM finds by running one when it starts (profile run).

#include "replay/catalog/pipeline_stage.hpp"
#include "replay/memory/memory_plan.hpp"

namespace replayd {

/// Tokens of the largest step of one data rank: the token budget, or the longest prompt under a policy that takes
/// prompts whole without a budget (orca, faster_transformer).
[[nodiscard]] std::int64_t largest_step_tokens(const PoolSpec& pool);

/// Peak of the largest step on one GPU of the stage: hidden states, and the largest of the widest attention layer, the
/// widest FFN or expert layer and (on the last stage) the sampler.
[[nodiscard]] MemoryItem activation_item(const ModelSpec& model, const PoolSpec& pool, const PipelineStage& stage);

/// MLA only: gathered context of chunked prefill and its up-projected keys and values; 0 bytes otherwise.
[[nodiscard]] MemoryItem mla_workspace_item(const ModelSpec& model, const PoolSpec& pool);

}  // namespace replayd
