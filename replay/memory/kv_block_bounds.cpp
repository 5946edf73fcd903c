#include "replay/memory/kv_block_bounds.hpp"

namespace replayd {

std::string BlockOutOfRange::message() const {
    const bool reads = access == Access::read;
    return std::string(reads ? "read" : "write") + " of block " + std::to_string(offset) + " at length " +
           std::to_string(step.length) + ": the sequence has " + std::to_string(step.blocks) + " blocks of " +
           std::to_string(step.block_tokens) + " tokens" +
           (reads ? "; the state was never stored" : "; allocate a block before the step or preempt the sequence");
}

tl::expected<BlockOffsets, BlockOutOfRange> state_offsets(const BlockStep& step) {
    BlockOffsets out;
    out.read = step.length == 0 ? -1 : (step.length - 1) / step.block_tokens;
    out.first_write = step.length / step.block_tokens;
    out.last_write = out.first_write + step.step_tokens - 1;
    if (out.read >= step.blocks) {
        return tl::unexpected(BlockOutOfRange{step, BlockOutOfRange::Access::read, out.read});
    }
    if (out.last_write >= step.blocks) {
        const std::int64_t first = out.first_write >= step.blocks ? out.first_write : step.blocks;
        return tl::unexpected(BlockOutOfRange{step, BlockOutOfRange::Access::write, first});
    }
    return out;
}

std::int64_t kv_blocks_needed(const BlockStep& step) {
    return (step.length + step.step_tokens - 1) / step.block_tokens + 1;
}

std::int64_t state_blocks_needed(const BlockStep& step) { return step.length / step.block_tokens + step.step_tokens; }

}  // namespace replayd
