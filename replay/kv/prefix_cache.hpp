#pragma once
// KV blocks of prompt prefixes that requests share, or leave behind for others. An entry stands for one hashed
// block of a trace (512 tokens in Mooncake's): the engine blocks that end inside it. Entries in use are
// counted by reference; unused ones stay until their blocks are needed, in the order that the eviction policy
// says. A chain is matched from the front; a child whose parent was evicted is unreachable and ages out.
// Source of the scheme: vllm-project/vllm, vllm/v1/core/block_pool.py and kv_cache_manager.py.

#include <cstdint>
#include <set>
#include <span>
#include <tuple>
#include <vector>

#include "replay/catalog/scenario.hpp"
#include "replay/kv/prefix_index.hpp"

namespace replayd {

using CacheEntry = std::uint32_t;

struct PrefixMatch {
    std::int64_t entries = 0;        ///< leading hashes that are cached
    std::int64_t tokens = 0;         ///< usable tokens: whole engine blocks, at least one token is left to compute
    std::int64_t blocks = 0;         ///< engine blocks of those entries
    std::int64_t unused_blocks = 0;  ///< of these, blocks that no request uses now (they count as free)
};

struct CacheCounters {
    std::int64_t queried_tokens = 0;  ///< prompt tokens of admitted requests
    std::int64_t hit_tokens = 0;      ///< of these, found in the cache
    std::int64_t inserted_entries = 0;
    std::int64_t evicted_entries = 0;

    CacheCounters& operator+=(const CacheCounters& other) {
        queried_tokens += other.queried_tokens;
        hit_tokens += other.hit_tokens;
        inserted_entries += other.inserted_entries;
        evicted_entries += other.evicted_entries;
        return *this;
    }
    bool operator==(const CacheCounters&) const = default;
};

class PrefixCache {
public:
    PrefixCache(EvictionKind eviction, std::int64_t block_tokens) : eviction_(eviction), block_tokens_(block_tokens) {}

    /// The longest cached chain of `hashes` (blocks of `hash_tokens` tokens) for a context of `tokens` tokens.
    [[nodiscard]] PrefixMatch match(std::span<const std::uint64_t> hashes, std::int64_t hash_tokens,
                                    std::int64_t tokens) const;

    /// Takes a reference on the first `entries` of the chain and appends them to `held`. Precondition: matched.
    void use(std::span<const std::uint64_t> hashes, std::int64_t entries, std::vector<CacheEntry>& held);

    /// Makes the block of `hash`, the chain's entry number `index`, shareable by handing its engine blocks from
    /// the request to the cache. Returns false (nothing changes) if the hash is cached already.
    bool insert(std::uint64_t hash, std::int64_t index, std::int64_t hash_tokens, std::vector<CacheEntry>& held);

    /// Drops the references of a request, last block first, so that the end of a chain is evicted before its
    /// beginning. Returns the engine blocks that nobody uses any more.
    std::int64_t release(std::vector<CacheEntry>& held);

    /// Engine blocks of entries that nobody uses.
    [[nodiscard]] std::int64_t unused_blocks() const { return unused_blocks_; }
    /// Evicts one unused entry; returns its engine blocks. Precondition: unused_blocks() > 0 or an unused entry
    /// without blocks of its own exists.
    std::int64_t evict();

    /// Engine blocks that end inside entry `index` of a chain.
    [[nodiscard]] std::int64_t entry_blocks(std::int64_t index, std::int64_t hash_tokens) const {
        return (index + 1) * hash_tokens / block_tokens_ - index * hash_tokens / block_tokens_;
    }

    CacheCounters& counters() { return counters_; }
    [[nodiscard]] const CacheCounters& counters() const { return counters_; }
    [[nodiscard]] std::size_t entries() const { return index_.size(); }

private:
    static constexpr CacheEntry k_none = PrefixIndex::k_absent;
    struct Entry {
        std::uint64_t hash = 0;
        std::int64_t used_at = 0;       ///< clock of the last use, for lru
        std::int32_t blocks = 0;
        std::int32_t references = 0;
        std::int32_t depth = 0;         ///< index in its chain
        CacheEntry older = k_none;      ///< neighbours among the unused, for least_recently_freed
        CacheEntry newer = k_none;
    };

    /// Order of eviction under lru: last use, then the end of a chain before its beginning.
    using UseOrder = std::tuple<std::int64_t, std::int32_t, CacheEntry>;
    [[nodiscard]] UseOrder use_order(CacheEntry entry) const {
        return {table_[entry].used_at, -table_[entry].depth, entry};
    }

    void leave_unused(CacheEntry entry);
    void join_unused(CacheEntry entry);

    EvictionKind eviction_;
    std::int64_t block_tokens_;
    PrefixIndex index_;
    std::vector<Entry> table_;
    std::vector<CacheEntry> free_;
    CacheEntry oldest_ = k_none;
    CacheEntry newest_ = k_none;
    std::set<UseOrder> by_use_;  ///< unused entries under lru
    std::int64_t clock_ = 0;
    std::int64_t unused_blocks_ = 0;
    CacheCounters counters_;
};

}  // namespace replayd
