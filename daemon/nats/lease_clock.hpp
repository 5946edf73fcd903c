#pragma once
// Until when this process may take its leases for its own without asking. Whoever was cut off longer asks before it
// computes on: what came meanwhile would else end runs here that another has taken and ended.

#include <atomic>
#include <chrono>

namespace replayd::nats {

/// Any thread.
class LeaseClock {
public:
    using Clock = std::chrono::steady_clock;

    /// `lease`: how long a lease lasts that is not renewed.
    explicit LeaseClock(std::chrono::nanoseconds lease) : lease_(lease) {}

    /// Every lease that is still ours was renewed, and runs that another took were given up; `asked`: before the first
    /// was.
    void renewed(Clock::time_point asked) { renewed_.store(asked); }
    /// Whether no lease can have run out since. False before the first renewal.
    [[nodiscard]] bool holds() const {
        const Clock::time_point last = renewed_.load();
        return last != Clock::time_point() && Clock::now() - last < lease_;
    }

private:
    const std::chrono::nanoseconds lease_;
    std::atomic<Clock::time_point> renewed_{Clock::time_point()};
};

}  // namespace replayd::nats
