#pragma once
// Which block of a sequence a decode step reads its last state from and writes to, and when that would be out of the
// blocks it has. Two layouts: paged KV has one entry per token; linear-attention state in paged blocks has one slot
// per block, and a step of several tokens writes one slot for each.
// Source: alibaba/rtp-llm pull request 1111 and its causal_conv1d and fused_recurrent kernels.

#include <cstdint>
#include <string>

#include <tl/expected.hpp>

namespace replayd {

/// A sequence before a decode step.
struct BlockStep {
    std::int64_t length = 0;        ///< tokens already in the context
    std::int64_t block_tokens = 1;  ///< tokens per block
    std::int64_t blocks = 0;        ///< blocks that the sequence has
    std::int64_t step_tokens = 1;   ///< tokens that the step computes
};

struct BlockOffsets {
    std::int64_t read = 0;         ///< block with the state after the last token; −1 with an empty context
    std::int64_t first_write = 0;
    std::int64_t last_write = 0;   ///< one slot per token of the step

    bool operator==(const BlockOffsets&) const = default;
};

struct BlockOutOfRange {
    enum class Access { read, write };

    BlockStep step;
    Access access = Access::read;
    std::int64_t offset = 0;  ///< the block that does not exist

    /// "read of block 4 at length 257 …".
    [[nodiscard]] std::string message() const;
};

/// The offsets of a step on linear-attention state, or the first access out of range. Nothing is ever clamped: a
/// clamped read would use a stale state.
[[nodiscard]] tl::expected<BlockOffsets, BlockOutOfRange> state_offsets(const BlockStep& step);

/// Blocks that must be there before a step on paged KV: enough for `length + step_tokens` tokens.
[[nodiscard]] std::int64_t kv_blocks_needed(const BlockStep& step);

/// Blocks that must be there before a step on linear-attention state: one slot for each token of the step.
[[nodiscard]] std::int64_t state_blocks_needed(const BlockStep& step);

}  // namespace replayd
