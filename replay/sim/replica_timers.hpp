#pragma once
// One timer per replica, and which one rings first.

#include <cstddef>
#include <cstdint>
#include <limits>

#include "replay/base/tournament.hpp"
#include "replay/base/units.hpp"

namespace replayd {

class ReplicaTimers {
public:
    static constexpr VirtualTime k_never{std::numeric_limits<std::int64_t>::max()};

    explicit ReplicaTimers(std::size_t replicas = 1) : tournament_(replicas, k_never.ns) {}

    /// Timers that there are, at least as many as were asked for.
    [[nodiscard]] std::size_t size() const { return tournament_.size(); }

    /// k_never stops the timer. O(log replicas).
    void set(std::int32_t replica, VirtualTime time) { tournament_.set(replica, time.ns); }

    /// The replica whose timer rings first, the one with the lower index among equals.
    [[nodiscard]] std::int32_t first() const { return tournament_.least(); }
    /// When it rings; k_never if no timer is set.
    [[nodiscard]] VirtualTime first_time() const { return VirtualTime(tournament_.least_value()); }

private:
    Tournament tournament_;
};

}  // namespace replayd
