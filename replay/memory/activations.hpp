#pragma once
// Working memory of the largest step: what vLLM finds by running one when it starts (profile run).

#include "replay/catalog/pipeline_stage.hpp"
#include "replay/memory/memory_plan.hpp"

namespace replayd {

/// Peak of the largest step on one GPU of the stage: hidden states, and the larger of the widest layer and (on the
/// last stage) the sampler.
[[nodiscard]] MemoryItem activation_item(const ModelSpec& model, const PoolSpec& pool, const PipelineStage& stage);

/// MLA only: gathered context of chunked prefill and its up-projected keys and values; 0 bytes otherwise.
[[nodiscard]] MemoryItem mla_workspace_item(const ModelSpec& model, const PoolSpec& pool);

}  // namespace replayd
