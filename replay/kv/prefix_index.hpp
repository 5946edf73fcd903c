#pragma once
// A flat map from prefix hash to a 32-bit place: open addressing, linear probing, backward-shift deletion.
// The hot structure of the prefix cache: one probe touches one or two cache lines, and copying it (a fork)
// copies two arrays.

#include <cstdint>
#include <vector>

#include "replay/base/assert.hpp"

namespace replayd {

class PrefixIndex {
public:
    static constexpr std::uint32_t k_absent = 0xffffffffU;

    /// Place of `hash`, or k_absent. O(1) expected.
    [[nodiscard]] std::uint32_t find(std::uint64_t hash) const {
        if (cells_.empty()) return k_absent;
        for (std::size_t at = home(hash);; at = next(at)) {
            if (cells_[at].place == k_absent || cells_[at].hash == hash) return cells_[at].place;
        }
    }
    /// Precondition: `hash` is absent and `place` != k_absent.
    void insert(std::uint64_t hash, std::uint32_t place) {
        if ((size_ + 1) * 2 > cells_.size()) grow();
        put(hash, place);
        ++size_;
    }
    /// Precondition: `hash` is present.
    void erase(std::uint64_t hash);

    [[nodiscard]] std::size_t size() const { return size_; }

private:
    struct Cell {
        std::uint64_t hash = 0;
        std::uint32_t place = k_absent;
    };

    /// Hashes of traces are often small consecutive integers: spread them over the table.
    [[nodiscard]] std::size_t home(std::uint64_t hash) const {
        return static_cast<std::size_t>((hash * 0x9e3779b97f4a7c15ULL) >> shift_);
    }
    [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & (cells_.size() - 1); }
    void put(std::uint64_t hash, std::uint32_t place) {
        std::size_t at = home(hash);
        while (cells_[at].place != k_absent) at = next(at);
        cells_[at] = {hash, place};
    }
    void grow();

    std::vector<Cell> cells_;  ///< a power of two, at most half full
    std::size_t size_ = 0;
    unsigned shift_ = 64;
};

}  // namespace replayd
