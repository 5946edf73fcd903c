#pragma once
// Distribution of the wall time of commits, fed by the writer thread and read by scrapes.

#include <cstdint>
#include <mutex>

#include "daemon/stream/distribution.hpp"

namespace replayd::metrics {

class CommitTimes {
public:
    CommitTimes();
    void observe(std::int64_t wall_ns);
    [[nodiscard]] stream::Distribution snapshot() const;

private:
    mutable std::mutex mutex_;
    stream::Distribution distribution_;
};

}  // namespace replayd::metrics
