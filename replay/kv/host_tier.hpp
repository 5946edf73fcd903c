#pragma once
// Cached KV blocks in host memory: what a prefix cache evicts from the device is kept here, and what has not been
// stored or loaded for longest goes first when there is no room. A copy stays here while the device has one too.

#include <cstdint>
#include <vector>

#include "replay/kv/prefix_index.hpp"

namespace replayd {

class HostTier {
public:
    /// Room for `capacity` engine blocks, at least 0.
    explicit HostTier(std::int64_t capacity) : capacity_(capacity) {}

    [[nodiscard]] bool contains(std::uint64_t hash) const { return index_.find(hash) != k_none; }
    [[nodiscard]] std::int64_t used_blocks() const { return used_blocks_; }
    [[nodiscard]] std::int64_t capacity() const { return capacity_; }

    /// Keeps the entry of `hash`, which has `blocks` engine blocks, as the one used last. An entry that is larger than
    /// the tier is not kept. Returns how many entries were lost for it, itself included.
    std::int64_t store(std::uint64_t hash, std::int32_t blocks);
    /// It is used now. Precondition: contained.
    void touch(std::uint64_t hash) { make_newest(index_.find(hash)); }
    /// Another capacity from now on. Returns how many entries were lost.
    std::int64_t resize(std::int64_t capacity);

private:
    static constexpr std::uint32_t k_none = PrefixIndex::k_absent;
    struct Entry {
        std::uint64_t hash = 0;
        std::int32_t blocks = 0;
        std::uint32_t older = k_none;
        std::uint32_t newer = k_none;
    };

    std::int64_t evict_down_to(std::int64_t blocks);
    void link_newest(std::uint32_t place);
    void unlink(std::uint32_t place);
    void make_newest(std::uint32_t place) {
        unlink(place);
        link_newest(place);
    }

    std::int64_t capacity_;
    std::int64_t used_blocks_ = 0;
    PrefixIndex index_;
    std::vector<Entry> table_;
    std::vector<std::uint32_t> free_;
    std::uint32_t oldest_ = k_none;
    std::uint32_t newest_ = k_none;
};

}  // namespace replayd
