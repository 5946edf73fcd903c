#pragma once
// The paged KV cache of one replica, as counts of blocks: what is allocated is released exactly once, and never
// more than the capacity is out. Blocks that only a prefix cache keeps count as free: they are evicted when
// they are needed.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "replay/base/assert.hpp"
#include "replay/base/units.hpp"
#include "replay/kv/prefix_cache.hpp"

namespace replayd {

class BlockPool {
public:
    /// `capacity` blocks of `block` tokens each; capacity >= 0, block > 0. `host_blocks`: behind the prefix cache.
    BlockPool(std::int64_t capacity, Tokens block, std::optional<EvictionKind> prefix_cache = std::nullopt,
              std::int64_t host_blocks = 0)
        : capacity_(capacity), block_(block) {
        REPLAYD_ASSERT(capacity >= 0 && block.value > 0);
        if (prefix_cache) cache_.emplace(*prefix_cache, block.value, host_blocks);
    }

    [[nodiscard]] std::int64_t capacity() const { return capacity_; }
    /// Held by requests; a shared block counts once.
    [[nodiscard]] std::int64_t used() const { return used_; }
    [[nodiscard]] std::int64_t free() const { return capacity_ - used_; }
    /// Kept by the prefix cache for later requests, a part of free().
    [[nodiscard]] std::int64_t cached() const { return cache_ ? cache_->unused_blocks() : 0; }

    /// Held by nobody and never left behind since the beginning: taking them costs nobody anything.
    [[nodiscard]] std::int64_t blank() const { return free() - kept(); }

    /// Blocks that hold the KV of `tokens` tokens.
    [[nodiscard]] std::int64_t blocks_for(std::int64_t tokens) const { return ceil_div(tokens, block_.value); }
    [[nodiscard]] std::int64_t block_tokens() const { return block_.value; }

    /// Absent without prefix caching.
    [[nodiscard]] const PrefixCache* cache() const { return cache_ ? &*cache_ : nullptr; }

    /// Takes blocks for one request, evicting cached ones as needed. Precondition: blocks <= free().
    void allocate(std::int64_t blocks) {
        REPLAYD_ASSERT(blocks >= 0 && blocks <= free());
        used_ += blocks;
        make_room();
    }
    /// Another capacity from now on; cached blocks beyond it are evicted. Precondition: capacity >= used().
    void resize(std::int64_t capacity) {
        REPLAYD_ASSERT(capacity >= used_);
        capacity_ = capacity;
        make_room();
    }
    /// Another size of the host tier from now on; none without prefix caching.
    void resize_host(std::int64_t blocks) {
        if (cache_) cache_->resize_host(blocks);
    }
    /// Precondition: blocks <= used().
    void release(std::int64_t blocks) {
        REPLAYD_ASSERT(blocks >= 0 && blocks <= used_);
        used_ -= blocks;
    }

    /// A request gives back blocks that no hash stands for; see PrefixCache::leave. Without a cache they are blank.
    CacheEntry leave(std::int64_t owner, std::int64_t findable, std::int64_t spent) {
        release(findable + spent);
        return cache_ ? cache_->leave(owner, findable, spent) : PrefixIndex::k_absent;
    }
    /// The owner of a run takes what `match` found of it (which use_prefix has allocated) and leaves the rest to
    /// others.
    void take_run(CacheEntry run, std::int64_t owner, const PrefixMatch& match) {
        cache_->take_run(run, owner, match.own_blocks);
    }

    /// Shares the first entries of a chain that `match` found, with the tokens of the context it was found for. Blocks
    /// for what is loaded from the host are the caller's to allocate.
    void use_prefix(std::span<const std::uint64_t> hashes, const PrefixMatch& match, std::int64_t context,
                    std::vector<CacheEntry>& held) {
        cache_->counters().queried_tokens += context;
        cache_->counters().hit_tokens += match.tokens;
        cache_->counters().host_hit_tokens += match.host_tokens;
        cache_->counters().host_loaded_blocks += match.host_blocks;
        used_ += match.unused_blocks;
        cache_->use(hashes, match.entries, held);
    }
    /// Hands a computed block to the cache; returns the engine blocks that are shared from now on.
    std::int64_t share_prefix(std::uint64_t hash, std::int64_t index, std::int64_t hash_tokens,
                              std::vector<CacheEntry>& held) {
        return cache_->insert(hash, index, hash_tokens, held) ? cache_->entry_blocks(index, hash_tokens) : 0;
    }
    /// Drops a request's references; the blocks stay cached.
    void release_prefix(std::vector<CacheEntry>& held) {
        if (!held.empty()) release(cache_->release(held));
    }

private:
    /// Left behind, findable or not.
    [[nodiscard]] std::int64_t kept() const { return cache_ ? cache_->unused_blocks() + cache_->spent_blocks() : 0; }
    void make_room() {
        for (std::int64_t over = used_ + kept() - capacity_; over > 0; over = used_ + kept() - capacity_)
            cache_->evict(over);
    }

    std::int64_t capacity_;
    Tokens block_;
    std::int64_t used_ = 0;
    std::optional<PrefixCache> cache_;
};

}  // namespace replayd
