#include "replay/kv/host_tier.hpp"

#include "replay/base/assert.hpp"

namespace replayd {

std::int64_t HostTier::store(std::uint64_t hash, std::int32_t blocks) {
    if (const std::uint32_t place = index_.find(hash); place != k_none) {
        make_newest(place);
        return 0;
    }
    if (blocks > capacity_) return 1;
    const std::int64_t lost = evict_down_to(capacity_ - blocks);
    auto place = static_cast<std::uint32_t>(table_.size());
    if (free_.empty()) {
        table_.emplace_back();
    } else {
        place = free_.back();
        free_.pop_back();
    }
    table_[place] = Entry{hash, blocks, k_none, k_none};
    link_newest(place);
    index_.insert(hash, place);
    used_blocks_ += blocks;
    return lost;
}

std::int64_t HostTier::resize(std::int64_t capacity) {
    capacity_ = capacity;
    return evict_down_to(capacity);
}

std::int64_t HostTier::evict_down_to(std::int64_t blocks) {
    std::int64_t lost = 0;
    for (; used_blocks_ > blocks; ++lost) {
        const std::uint32_t victim = oldest_;
        REPLAYD_ASSERT(victim != k_none);
        unlink(victim);
        used_blocks_ -= table_[victim].blocks;
        index_.erase(table_[victim].hash);
        free_.push_back(victim);
    }
    return lost;
}

void HostTier::link_newest(std::uint32_t place) {
    table_[place].older = newest_;
    table_[place].newer = k_none;
    (newest_ == k_none ? oldest_ : table_[newest_].newer) = place;
    newest_ = place;
}

void HostTier::unlink(std::uint32_t place) {
    const Entry& entry = table_[place];
    (entry.older == k_none ? oldest_ : table_[entry.older].newer) = entry.newer;
    (entry.newer == k_none ? newest_ : table_[entry.newer].older) = entry.older;
}

}  // namespace replayd
