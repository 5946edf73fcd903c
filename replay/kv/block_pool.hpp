#pragma once
// The paged KV cache of one replica, as a count of blocks: what is allocated is released exactly once, and
// never more than the capacity is out.

#include <cstdint>

#include "replay/base/assert.hpp"
#include "replay/base/units.hpp"

namespace replayd {

class BlockPool {
public:
    /// `capacity` blocks of `block` tokens each; both > 0 (a pool of capacity 0 can serve nothing).
    BlockPool(std::int64_t capacity, Tokens block) : capacity_(capacity), block_(block) {
        REPLAYD_ASSERT(capacity >= 0 && block.value > 0);
    }

    [[nodiscard]] std::int64_t capacity() const { return capacity_; }
    [[nodiscard]] std::int64_t used() const { return used_; }
    [[nodiscard]] std::int64_t free() const { return capacity_ - used_; }

    /// Blocks that hold the KV of `tokens` tokens.
    [[nodiscard]] std::int64_t blocks_for(std::int64_t tokens) const { return ceil_div(tokens, block_.value); }
    [[nodiscard]] std::int64_t block_tokens() const { return block_.value; }

    /// Precondition: blocks <= free().
    void allocate(std::int64_t blocks) {
        REPLAYD_ASSERT(blocks >= 0 && blocks <= free());
        used_ += blocks;
    }
    /// Precondition: blocks <= used().
    void release(std::int64_t blocks) {
        REPLAYD_ASSERT(blocks >= 0 && blocks <= used_);
        used_ -= blocks;
    }

private:
    std::int64_t capacity_;
    Tokens block_;
    std::int64_t used_ = 0;
};

}  // namespace replayd
