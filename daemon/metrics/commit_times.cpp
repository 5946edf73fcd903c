#include "daemon/metrics/commit_times.hpp"

#include <array>

namespace replayd::metrics {
namespace {

/// Seconds, in 1-2-5 steps: from a commit to memory to one that waits for a slow disk.
constexpr std::array<double, 13> k_edges_s = {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01,
                                              0.02,   0.05,   0.1,    0.2,   0.5,   1};

}  // namespace

CommitTimes::CommitTimes() : distribution_({k_edges_s.begin(), k_edges_s.end()}) {}

void CommitTimes::observe(std::int64_t wall_ns) {
    const std::lock_guard lock(mutex_);
    distribution_.observe(static_cast<double>(wall_ns) * 1e-9);
}

stream::Distribution CommitTimes::snapshot() const {
    const std::lock_guard lock(mutex_);
    return distribution_;
}

}  // namespace replayd::metrics
