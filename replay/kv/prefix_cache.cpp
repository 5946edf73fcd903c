#include "replay/kv/prefix_cache.hpp"

#include <algorithm>

#include "replay/base/assert.hpp"

namespace replayd {

PrefixMatch PrefixCache::match(std::span<const std::uint64_t> hashes, std::int64_t hash_tokens,
                               std::int64_t tokens) const {
    PrefixMatch match;
    bool last_on_host = false;
    // Entries beyond this would leave no token to compute, or hold a block that the prompt fills only in part.
    const std::int64_t usable = (tokens - 1) / block_tokens_ * block_tokens_;
    const std::int64_t whole = std::min(static_cast<std::int64_t>(hashes.size()), tokens / hash_tokens);
    while (match.entries < whole && match.entries * hash_tokens < usable) {
        const std::uint64_t hash = hashes[static_cast<std::size_t>(match.entries)];
        const CacheEntry place = index_.find(hash);
        if (place == k_none) {
            if (!host_.contains(hash)) break;
            match.host_blocks += entry_blocks(match.entries, hash_tokens);
        } else {
            match.blocks += table_[place].blocks;
            if (table_[place].references == 0) match.unused_blocks += table_[place].blocks;
            if (match.on_device == match.entries) ++match.on_device;
        }
        last_on_host = place == k_none;
        ++match.entries;
    }
    const std::int64_t covered = match.entries * hash_tokens / block_tokens_ * block_tokens_;
    match.tokens = std::min(covered, usable);
    // What is left out of the chain's last block was that of its last entry.
    match.host_tokens = match.host_blocks * block_tokens_ - (last_on_host ? covered - match.tokens : 0);
    return match;
}

void PrefixCache::use(std::span<const std::uint64_t> hashes, std::int64_t entries, std::vector<CacheEntry>& held) {
    for (std::int64_t i = 0; i < entries; ++i) {
        const CacheEntry place = index_.find(hashes[static_cast<std::size_t>(i)]);
        if (place == k_none) {
            host_.touch(hashes[static_cast<std::size_t>(i)]);
            continue;
        }
        if (table_[place].references++ == 0) leave_unused(place);
        table_[place].used_at = ++clock_;
        held.push_back(place);
    }
}

bool PrefixCache::insert(std::uint64_t hash, std::int64_t index, std::int64_t hash_tokens,
                         std::vector<CacheEntry>& held) {
    if (index_.find(hash) != k_none) return false;
    const CacheEntry place = new_entry();
    Entry& entry = table_[place];
    entry.hash = hash;
    entry.blocks = static_cast<std::int32_t>(entry_blocks(index, hash_tokens));
    entry.references = 1;
    entry.depth = static_cast<std::int32_t>(index);
    entry.used_at = ++clock_;
    index_.insert(hash, place);
    held.push_back(place);
    ++counters_.inserted_entries;
    return true;
}

CacheEntry PrefixCache::new_entry() {
    if (free_.empty()) {
        table_.emplace_back();
        return static_cast<CacheEntry>(table_.size() - 1);
    }
    const CacheEntry place = free_.back();
    free_.pop_back();
    table_[place] = Entry{};
    return place;
}

CacheEntry PrefixCache::join_run(std::int64_t owner, std::int64_t blocks) {
    if (blocks == 0) return k_none;
    const CacheEntry place = new_entry();
    table_[place].owner = owner;
    table_[place].blocks = static_cast<std::int32_t>(blocks);
    table_[place].used_at = ++clock_;
    join_unused(place);
    return place;
}

CacheEntry PrefixCache::leave(std::int64_t owner, std::int64_t findable, std::int64_t spent) {
    (void)join_run(k_nobody, spent);
    return join_run(owner, findable);
}

std::int64_t PrefixCache::run_blocks(CacheEntry run, std::int64_t owner) const {
    return run != k_none && table_[run].owner == owner ? table_[run].blocks : 0;
}

void PrefixCache::take_run(CacheEntry run, std::int64_t owner, std::int64_t blocks) {
    if (run_blocks(run, owner) == 0) return;
    shrink_run(run, blocks);
    Entry& entry = table_[run];
    if (entry.owner != owner) return;  // nothing was left
    unused_blocks_ -= entry.blocks;
    spent_blocks_ += entry.blocks;
    entry.owner = k_nobody;
}

void PrefixCache::shrink_run(CacheEntry run, std::int64_t blocks) {
    Entry& entry = table_[run];
    REPLAYD_ASSERT(blocks <= entry.blocks);
    if (blocks < entry.blocks) {
        count_of(entry) -= blocks;
        entry.blocks -= static_cast<std::int32_t>(blocks);
        return;
    }
    leave_unused(run);
    entry.owner = k_nobody;
    free_.push_back(run);
}

std::int64_t PrefixCache::release(std::vector<CacheEntry>& held) {
    // The request used the whole chain up to its last computation.
    std::int64_t last_use = 0;
    for (const CacheEntry place : held) last_use = std::max(last_use, table_[place].used_at);
    for (const CacheEntry place : held) table_[place].used_at = last_use;
    std::int64_t freed = 0;
    for (std::size_t i = held.size(); i-- > 0;) {
        Entry& entry = table_[held[i]];
        REPLAYD_ASSERT(entry.references > 0);
        if (--entry.references > 0) continue;
        freed += entry.blocks;
        join_unused(held[i]);
    }
    held.clear();
    return freed;
}

void PrefixCache::evict(std::int64_t blocks) {
    const CacheEntry victim = eviction_ == EvictionKind::lru ? std::get<CacheEntry>(*by_use_.begin()) : oldest_;
    REPLAYD_ASSERT(victim != k_none);
    if (table_[victim].owner != k_hashed) {
        shrink_run(victim, std::min<std::int64_t>(blocks, table_[victim].blocks));
        return;
    }
    leave_unused(victim);
    index_.erase(table_[victim].hash);
    free_.push_back(victim);
    ++counters_.evicted_entries;
    if (host_.capacity() > 0) keep_on_host(table_[victim]);
}

void PrefixCache::keep_on_host(const Entry& entry) {
    const bool known = host_.contains(entry.hash);
    counters_.host_evicted_entries += host_.store(entry.hash, entry.blocks);
    if (!known && host_.contains(entry.hash)) ++counters_.host_stored_entries;
}

void PrefixCache::join_unused(CacheEntry place) {
    Entry& entry = table_[place];
    count_of(entry) += entry.blocks;
    if (eviction_ == EvictionKind::lru) {
        by_use_.insert(use_order(place));
        return;
    }
    entry.older = newest_;
    entry.newer = k_none;
    (newest_ == k_none ? oldest_ : table_[newest_].newer) = place;
    newest_ = place;
}

void PrefixCache::leave_unused(CacheEntry place) {
    Entry& entry = table_[place];
    count_of(entry) -= entry.blocks;
    if (eviction_ == EvictionKind::lru) {
        by_use_.erase(use_order(place));
        return;
    }
    (entry.older == k_none ? oldest_ : table_[entry.older].newer) = entry.newer;
    (entry.newer == k_none ? newest_ : table_[entry.newer].older) = entry.older;
}

}  // namespace replayd
