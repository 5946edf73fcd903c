#pragma once
// Facts of this process, as Prometheus' own client libraries export them.

#include <cstdint>

#include "replay/base/error.hpp"

namespace replayd::metrics {

struct ProcessFacts {
    double cpu_seconds = 0;  ///< user and system
    double resident_bytes = 0;
    double virtual_bytes = 0;
    double open_fds = 0;
    double max_fds = 0;             ///< soft limit
    double start_time_seconds = 0;  ///< since the Unix epoch
};

/// Reads /proc/self, which also a hardened unit (ProcSubset=pid) sees. Error `io` where /proc is missing.
[[nodiscard]] Result<ProcessFacts> read_process_facts();

}  // namespace replayd::metrics
