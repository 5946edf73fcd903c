#pragma once
// Buffers of the collectives inside a replica.

#include <vector>

#include "replay/memory/memory_plan.hpp"

namespace replayd {

/// Buffers of the tensor and data ranks that reduce and gather in every layer. Pipeline stages only send to each other,
/// through buffers that exist before the budget is measured.
[[nodiscard]] std::vector<MemoryItem> collective_items(const PoolSpec& pool);

}  // namespace replayd
