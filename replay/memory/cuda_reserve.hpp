#pragma once
// What a process takes outside of its budget: vLLM multiplies the whole device by gpu_memory_utilization after the CUDA
// context exists, and captures graphs after it has sized the KV cache (before version 0.21).

#include <vector>

#include "replay/catalog/pipeline_stage.hpp"
#include "replay/memory/memory_plan.hpp"

namespace replayd {

/// What a process takes inside the budget beside its tensors; the catalog states it for each GPU.
[[nodiscard]] MemoryItem runtime_item(const GpuSpec& gpu);

/// CUDA context and captured graphs of one GPU of the stage, which live in the share that memory_fraction leaves free.
[[nodiscard]] std::vector<MemoryItem> outside_items(const PoolSpec& pool, const PipelineStage& stage);

}  // namespace replayd
