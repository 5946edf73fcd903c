#pragma once
// One timer per replica, and which one rings first: a tournament over the replicas. Setting a timer plays one
// match per level; the winner is at hand. Unlike a heap of events nothing is ever void.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "replay/base/units.hpp"

namespace replayd {

class ReplicaTimers {
public:
    static constexpr VirtualTime k_never{std::numeric_limits<std::int64_t>::max()};

    explicit ReplicaTimers(std::size_t replicas = 1)
        : leaves_(std::bit_ceil(replicas)), times_(leaves_, k_never), winners_(2 * leaves_) {
        for (std::size_t i = 0; i < leaves_; ++i) winners_[leaves_ + i] = static_cast<std::int32_t>(i);
        for (std::size_t node = leaves_ - 1; node > 0; --node) play(node);
    }

    /// Timers that there are, at least as many as were asked for.
    [[nodiscard]] std::size_t size() const { return leaves_; }

    /// k_never stops the timer. O(log replicas).
    void set(std::int32_t replica, VirtualTime time) {
        times_[static_cast<std::size_t>(replica)] = time;
        for (std::size_t node = (leaves_ + static_cast<std::size_t>(replica)) / 2; node > 0; node /= 2) play(node);
    }

    /// The replica whose timer rings first, the one with the lower index among equals.
    [[nodiscard]] std::int32_t first() const { return winners_[1]; }
    /// When it rings; k_never if no timer is set.
    [[nodiscard]] VirtualTime first_time() const { return times_[static_cast<std::size_t>(first())]; }

private:
    void play(std::size_t node) {
        const std::int32_t left = winners_[2 * node];
        const std::int32_t right = winners_[2 * node + 1];
        const bool right_wins = times_[static_cast<std::size_t>(right)] < times_[static_cast<std::size_t>(left)];
        winners_[node] = right_wins ? right : left;
    }

    std::size_t leaves_;
    std::vector<VirtualTime> times_;
    std::vector<std::int32_t> winners_;  ///< a binary tree in an array: root at 1, replica i at leaves_ + i
};

}  // namespace replayd
