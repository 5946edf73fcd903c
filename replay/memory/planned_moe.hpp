#pragma once
// DeepEP's share of a plan: the temporaries of the largest step under balanced routing, and the buffers that stay.

#include <vector>

#include "replay/memory/memory_plan.hpp"

namespace replayd {

/// Expected rows that one of `ranks` expert ranks holds after `tokens` tokens of the group were dispatched, each to
/// `top_k` of `experts` experts chosen uniformly: a token is sent once to a rank, whatever it chose there.
[[nodiscard]] std::int64_t expected_rows(std::int64_t tokens, std::int64_t experts, std::int64_t top_k,
                                         std::int64_t ranks);

/// Peak of one MoE layer in the pool's DeepEP mode, with `step_tokens` tokens on each data rank.
[[nodiscard]] Bytes deepep_temporaries(const ModelSpec& model, const PoolSpec& pool, std::int64_t step_tokens);

/// The communication buffers of the pool's DeepEP mode; none with fused kernels.
[[nodiscard]] std::vector<MemoryItem> deepep_items(const ModelSpec& model, const PoolSpec& pool);

}  // namespace replayd
