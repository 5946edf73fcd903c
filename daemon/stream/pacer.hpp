#pragma once
// How far virtual time may have come by now. Pure arithmetic on a wall clock that the caller reads; not
// thread-safe.

#include <chrono>

#include "replay/base/units.hpp"

namespace replayd::stream {

using WallTime = std::chrono::steady_clock::time_point;

/// Virtual target = origin + factor × wall time since then. Speed 0 means no limit. A pause freezes the target.
class Pacer {
public:
    /// Largest target: also "no limit".
    static constexpr VirtualTime k_no_limit{INT64_MAX};

    explicit Pacer(double speed) : speed_(speed) {}

    /// Virtual time `origin` is now. Before it, a paced target is 0.
    void start(VirtualTime origin, WallTime now);
    [[nodiscard]] bool started() const { return started_; }

    /// Events strictly before the target may happen.
    [[nodiscard]] VirtualTime target(WallTime now) const;

    /// `reached`: virtual time of the run that came furthest; the target goes on from there where it had no limit.
    void pause(VirtualTime reached, WallTime now);
    void resume(WallTime now);
    void set_speed(double speed, VirtualTime reached, WallTime now);

    [[nodiscard]] bool paused() const { return paused_; }
    [[nodiscard]] double speed() const { return speed_; }

private:
    double speed_;
    bool paused_ = false;
    bool started_ = false;
    VirtualTime origin_;
    WallTime origin_wall_{};
};

}  // namespace replayd::stream
