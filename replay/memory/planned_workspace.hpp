#pragma once
// The attention workspace's share of a plan: the most that any batch the pool admits can need.

#include <vector>

#include "replay/memory/memory_plan.hpp"

namespace replayd {

/// Sizes of batches that vLLM captures up to `tokens_max`: 1, 2, 4, then every 8 to 256, then every 16
/// (vllm/config/compilation.py).
[[nodiscard]] std::vector<std::int64_t> graph_sizes(std::int64_t tokens_max);

/// Float and int workspace of the pool; none without FlashInfer. The float need is the larger of the bound for
/// ordinary prefill and, with CUDA graphs, that of every captured size.
[[nodiscard]] std::vector<MemoryItem> workspace_items(const ModelSpec& model, const PoolSpec& pool);

}  // namespace replayd
