#pragma once
// KV blocks of prompt prefixes that requests share, or leave behind for others. An entry stands for one hashed
// block of a trace (512 tokens in Mooncake's): the engine blocks that end inside it. Entries in use are
// counted by reference; unused ones stay until their blocks are needed, in the order that the eviction policy
// says. A chain is matched from the front; a child whose parent was evicted is unreachable and ages out.
// With a host tier, entries evicted from the device go there, and a chain is matched over both tiers: what only the
// host has must be loaded into blocks of the request's own, and becomes shareable then like what it computes. Writing
// to the host delays nothing and takes nothing of the link: it is the other direction of a full-duplex link.
// Blocks that end with no hash, those of generated tokens too, take their place in the order of eviction when their
// request leaves them, as every freed block does in vLLM's queue: those of a finished request as spent ones, which
// nobody can find, those of an evicted request as a run that it finds again, from the front, until they are needed (the
// last goes first). Source of the scheme: vllm-project/vllm, vllm/v1/core/block_pool.py and kv_cache_manager.py.

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <vector>

#include "replay/catalog/scenario.hpp"
#include "replay/kv/host_tier.hpp"
#include "replay/kv/prefix_index.hpp"

namespace replayd {

using CacheEntry = std::uint32_t;

struct PrefixMatch {
    std::int64_t entries = 0;        ///< leading hashes that are cached, in either tier
    std::int64_t on_device = 0;      ///< of these, leading ones on the device
    std::int64_t tokens = 0;         ///< usable tokens: whole engine blocks, at least one token is left to compute
    std::int64_t blocks = 0;         ///< engine blocks of the entries on the device
    std::int64_t unused_blocks = 0;  ///< of these, blocks that no request uses now (they count as free)
    std::int64_t host_blocks = 0;    ///< engine blocks of the entries that only the host has, to be loaded
    std::int64_t host_tokens = 0;    ///< of `tokens`, those that are loaded
    std::int64_t own_blocks = 0;     ///< of `blocks`, those of the request's own run
};

/// The blocks that an evicted request left behind: of its context from block number `first` on.
struct OwnRun {
    CacheEntry entry = PrefixIndex::k_absent;
    std::int64_t first = 0;
};

struct CacheCounters {
    std::int64_t queried_tokens = 0;  ///< prompt tokens of admitted requests
    std::int64_t hit_tokens = 0;      ///< of these, found in the cache, in either tier
    std::int64_t inserted_entries = 0;
    std::int64_t evicted_entries = 0;       ///< from the device
    std::int64_t host_hit_tokens = 0;       ///< of hit_tokens, loaded from the host
    std::int64_t host_stored_entries = 0;   ///< evicted from the device and kept by the host, which had no copy
    std::int64_t host_evicted_entries = 0;  ///< lost by the host
    std::int64_t host_loaded_blocks = 0;

    CacheCounters& operator+=(const CacheCounters& other) {
        queried_tokens += other.queried_tokens;
        hit_tokens += other.hit_tokens;
        inserted_entries += other.inserted_entries;
        evicted_entries += other.evicted_entries;
        host_hit_tokens += other.host_hit_tokens;
        host_stored_entries += other.host_stored_entries;
        host_evicted_entries += other.host_evicted_entries;
        host_loaded_blocks += other.host_loaded_blocks;
        return *this;
    }
    bool operator==(const CacheCounters&) const = default;
};

class PrefixCache {
public:
    /// With `host_blocks` engine blocks in the host tier; 0: none.
    explicit PrefixCache(EvictionKind eviction, std::int64_t block_tokens, std::int64_t host_blocks = 0)
        : eviction_(eviction), block_tokens_(block_tokens), host_(host_blocks) {}

    /// The longest cached chain of `hashes` (blocks of `hash_tokens` tokens) for a context of `tokens` tokens.
    [[nodiscard]] PrefixMatch match(std::span<const std::uint64_t> hashes, std::int64_t hash_tokens,
                                    std::int64_t tokens) const;

    /// Takes a reference on those of the first `entries` of the chain that are on the device and appends them to
    /// `held`; the others become the host's last used. Precondition: matched.
    void use(std::span<const std::uint64_t> hashes, std::int64_t entries, std::vector<CacheEntry>& held);

    /// Makes the block of `hash`, the chain's entry number `index`, shareable by handing its engine blocks from
    /// the request to the cache. Returns false (nothing changes) if the hash is cached already.
    bool insert(std::uint64_t hash, std::int64_t index, std::int64_t hash_tokens, std::vector<CacheEntry>& held);

    /// Drops the references of a request, last block first, so that the end of a chain is evicted before its
    /// beginning. Returns the engine blocks that nobody uses any more.
    std::int64_t release(std::vector<CacheEntry>& held);

    /// Puts blocks of a request that leaves them behind what was left before: `spent` ones, which go first, and a run
    /// of `findable` ones for its owner, the request with the sequence `owner`. Returns the run; k_absent without one.
    CacheEntry leave(std::int64_t owner, std::int64_t findable, std::int64_t spent);
    /// Blocks that are left of a run.
    [[nodiscard]] std::int64_t run_blocks(CacheEntry run, std::int64_t owner) const;
    /// The owner takes the first `blocks` of a run and will not look for the others again.
    void take_run(CacheEntry run, std::int64_t owner, std::int64_t blocks);

    /// Engine blocks of entries that nobody uses and somebody could find.
    [[nodiscard]] std::int64_t unused_blocks() const { return unused_blocks_; }
    /// Engine blocks that nobody can find, in their places in the order of eviction.
    [[nodiscard]] std::int64_t spent_blocks() const { return spent_blocks_; }
    /// Evicts the next unused entry, of a run or of spent blocks up to `blocks`. Precondition: there is one.
    void evict(std::int64_t blocks);

    /// Engine blocks that end inside entry `index` of a chain.
    [[nodiscard]] std::int64_t entry_blocks(std::int64_t index, std::int64_t hash_tokens) const {
        return (index + 1) * hash_tokens / block_tokens_ - index * hash_tokens / block_tokens_;
    }

    [[nodiscard]] const HostTier& host() const { return host_; }
    /// Another size of the host tier from now on; what does not fit is lost.
    void resize_host(std::int64_t blocks) { counters_.host_evicted_entries += host_.resize(blocks); }

    CacheCounters& counters() { return counters_; }
    [[nodiscard]] const CacheCounters& counters() const { return counters_; }
    [[nodiscard]] std::size_t entries() const { return index_.size(); }

private:
    static constexpr CacheEntry k_none = PrefixIndex::k_absent;
    static constexpr std::int64_t k_hashed = -1;
    static constexpr std::int64_t k_nobody = -2;
    struct Entry {
        std::uint64_t hash = 0;
        std::int64_t owner = k_hashed;  ///< of a run: sequence of its request, or k_nobody
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

    [[nodiscard]] CacheEntry new_entry();
    [[nodiscard]] CacheEntry join_run(std::int64_t owner, std::int64_t blocks);
    void shrink_run(CacheEntry run, std::int64_t blocks);
    [[nodiscard]] std::int64_t& count_of(const Entry& entry) {
        return entry.owner == k_nobody ? spent_blocks_ : unused_blocks_;
    }
    void keep_on_host(const Entry& entry);
    void leave_unused(CacheEntry entry);
    void join_unused(CacheEntry entry);

    EvictionKind eviction_;
    std::int64_t block_tokens_;
    HostTier host_;
    PrefixIndex index_;
    std::vector<Entry> table_;
    std::vector<CacheEntry> free_;
    CacheEntry oldest_ = k_none;
    CacheEntry newest_ = k_none;
    std::set<UseOrder> by_use_;  ///< unused entries under lru
    std::int64_t clock_ = 0;
    std::int64_t unused_blocks_ = 0;
    std::int64_t spent_blocks_ = 0;
    CacheCounters counters_;
};

}  // namespace replayd
