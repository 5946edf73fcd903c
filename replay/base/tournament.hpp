#pragma once
// The least of many integers that change one by one: a tournament over them. Setting one plays one match per
// level; the winner is at hand. Unlike a heap nothing is ever void.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace replayd {

class Tournament {
public:
    /// `players` integers, each `value`. Beyond them up to size(): the largest integer.
    Tournament(std::size_t players, std::int64_t value) : leaves_(std::bit_ceil(players)), nodes_(2 * leaves_) {
        for (std::size_t i = 0; i < leaves_; ++i) {
            const std::int64_t at_first = i < players ? value : std::numeric_limits<std::int64_t>::max();
            nodes_[leaves_ + i] = {at_first, static_cast<std::int32_t>(i)};
        }
        for (std::size_t node = leaves_ - 1; node > 0; --node) {
            const Node& right = nodes_[2 * node + 1];
            nodes_[node] = right.value < nodes_[2 * node].value ? right : nodes_[2 * node];
        }
    }

    /// How many there are, at least as many as were asked for.
    [[nodiscard]] std::size_t size() const { return leaves_; }

    /// O(log size). `value` may be any but the least of all integers.
    void set(std::int32_t player, std::int64_t value) {
        std::size_t node = leaves_ + static_cast<std::size_t>(player);
        Node winner{value, player};
        nodes_[node] = winner;
        // Who wins is as good as random, so it is selected, not branched on; and it is carried along, not read back.
        // Left of two equals, with the lower index, wins: to a right one its neighbour is one less than it says.
        for (; node > 1; node /= 2) {
            const Node other = nodes_[node ^ 1];
            const bool loses = other.value - static_cast<std::int64_t>(node & 1) < winner.value;
            winner.value = loses ? other.value : winner.value;
            winner.player = loses ? other.player : winner.player;
            nodes_[node / 2] = winner;
        }
    }

    /// The one with the least value, the one with the lower index among equals.
    [[nodiscard]] std::int32_t least() const { return nodes_[1].player; }
    [[nodiscard]] std::int64_t least_value() const { return nodes_[1].value; }

private:
    struct Node {
        std::int64_t value = 0;
        std::int32_t player = 0;
    };

    std::size_t leaves_;
    std::vector<Node> nodes_;  ///< a binary tree in an array: the winner at 1, player i at leaves_ + i
};

}  // namespace replayd
