#include "replay/kv/prefix_index.hpp"

#include <bit>
#include <utility>

namespace replayd {

void PrefixIndex::erase(std::uint64_t hash) {
    std::size_t hole = home(hash);
    while (cells_[hole].hash != hash || cells_[hole].place == k_absent) {
        REPLAYD_ASSERT(cells_[hole].place != k_absent);
        hole = next(hole);
    }
    // Move later cells of the same run into the hole, where their home allows it.
    for (std::size_t at = next(hole); cells_[at].place != k_absent; at = next(at)) {
        const std::size_t mask = cells_.size() - 1;
        const std::size_t distance_home = (at - home(cells_[at].hash)) & mask;
        const std::size_t distance_hole = (at - hole) & mask;
        if (distance_home >= distance_hole) {
            cells_[hole] = cells_[at];
            hole = at;
        }
    }
    cells_[hole] = {};
    --size_;
}

void PrefixIndex::grow() {
    std::vector<Cell> old = std::exchange(cells_, std::vector<Cell>(cells_.empty() ? 64 : cells_.size() * 2));
    shift_ = 64U - static_cast<unsigned>(std::countr_zero(cells_.size()));
    for (const Cell& cell : old) {
        if (cell.place != k_absent) put(cell.hash, cell.place);
    }
}

}  // namespace replayd
