#pragma once
// Buffers of the collectives inside a replica.

#include <vector>

#include "replay/memory/memory_plan.hpp"

namespace replayd {

/// NCCL's buffers for the group of a replica's GPUs, and those of vLLM's own all-reduce over NVLink or a PCIe pair.
[[nodiscard]] std::vector<MemoryItem> collective_items(const PoolSpec& pool);

}  // namespace replayd
