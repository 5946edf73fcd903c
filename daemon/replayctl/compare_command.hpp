#pragma once
// `replayctl compare`: two runs of one stream, request by request.

#include <cstdint>
#include <string>

#include "daemon/replayctl/exit_status.hpp"
#include "daemon/replayctl/history_source.hpp"
#include "daemon/replayctl/output_mode.hpp"

namespace replayd::ctl {

struct CompareOptions {
    std::int64_t run_a = 0;
    std::int64_t run_b = 0;
    std::size_t limit = 10;  ///< requests to list
    double quantile = 0.99;  ///< of a window, for the first break of an objective
    SourceChoice source;
    OutputMode mode = OutputMode::table;
};

/// Prints how many requests differ and by how much, which run breaks an objective first, and by which parts and causes.
[[nodiscard]] Result<ExitStatus> compare_runs(const CompareOptions& options);

}  // namespace replayd::ctl
