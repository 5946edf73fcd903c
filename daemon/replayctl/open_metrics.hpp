#pragma once
// Windows of runs as OpenMetrics text with timestamps, for `promtool tsdb create-blocks-from openmetrics`: the names,
// labels and units of /metrics (daemon/metrics.md), so that the same dashboards and rules work on what was simulated.

#include <cstdint>
#include <optional>
#include <vector>

#include "daemon/files/output_file.hpp"
#include "daemon/replayctl/export_command.hpp"

namespace replayd::ctl {

/// A sample of every series at the end of each window, OpenMetrics 1.0; how many samples. Time 0 of the runs is
/// `start_unix_s`, else when their stream was created.
[[nodiscard]] Result<std::int64_t> write_open_metrics(storage::Connection& history,
                                                      const std::vector<ExportedRun>& runs,
                                                      std::optional<std::int64_t> start_unix_s, files::OutputFile& out);

}  // namespace replayd::ctl
