#include "daemon/stream/pacer.hpp"

#include <algorithm>

namespace replayd::stream {

void Pacer::start(VirtualTime origin, WallTime now) {
    origin_ = origin;
    origin_wall_ = now;
    started_ = true;
}

VirtualTime Pacer::target(WallTime now) const {
    if (paused_) return origin_;
    if (speed_ == 0) return k_no_limit;
    if (!started_) return VirtualTime(0);
    const double wall_ns = static_cast<double>(std::chrono::nanoseconds(now - origin_wall_).count());
    const double ahead = std::max(0.0, wall_ns) * speed_;
    if (ahead >= static_cast<double>(INT64_MAX - origin_.ns)) return k_no_limit;
    return VirtualTime(origin_.ns + static_cast<std::int64_t>(ahead));
}

void Pacer::pause(VirtualTime reached, WallTime now) {
    if (paused_) return;
    const VirtualTime frozen = speed_ == 0 ? reached : target(now);
    paused_ = true;
    origin_ = frozen;
}

void Pacer::resume(WallTime now) {
    if (!paused_) return;
    paused_ = false;
    origin_wall_ = now;
}

void Pacer::set_speed(double speed, VirtualTime reached, WallTime now) {
    if (!paused_ && started_) {
        origin_ = speed_ == 0 ? reached : target(now);
        origin_wall_ = now;
    }
    speed_ = speed;
}

}  // namespace replayd::stream
