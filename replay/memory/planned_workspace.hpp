#pragma once
// The attention workspace's share of a plan: the most that any batch the pool admits can need.

#include <span>
#include <vector>

#include "replay/memory/memory_plan.hpp"

namespace replayd {

/// Float workspace that a captured graph of `rows` rows (at least 1) needs for the worst of its batches.
[[nodiscard]] Bytes captured_need(const ModelSpec& model, const PoolSpec& pool, std::int64_t rows);

/// Float workspace that one ordinary prefill plan of the pool needs; `q_rows` and `kv_pages` as in WorkspaceInput.
[[nodiscard]] Result<Bytes> prefill_need(const ModelSpec& model, const PoolSpec& pool,
                                         std::span<const std::int64_t> q_rows, std::span<const std::int64_t> kv_pages);

/// Float and int workspace of the pool; none without FlashInfer. The float need is the larger of the bound for
/// ordinary prefill and, with CUDA graphs, that of every captured size.
[[nodiscard]] std::vector<MemoryItem> workspace_items(const ModelSpec& model, const PoolSpec& pool);

}  // namespace replayd
