#pragma once
// `replayctl recalibrate`: proposes multipliers of step times that bring a scenario nearer to what production observed.

#include <string>
#include <vector>

#include "daemon/replayctl/exit_status.hpp"
#include "daemon/replayctl/output_mode.hpp"
#include "daemon/replayctl/trace_source.hpp"

namespace replayd::ctl {

struct RecalibrateOptions {
    TraceInput trace;             ///< with observed times
    std::string scenario;         ///< name or TOML file
    std::vector<std::string> catalogs;
    double held_out = 0.5;        ///< share of the requests, the last ones, that the proposal is judged by
    OutputMode mode = OutputMode::table;
};

/// Prints the errors before and after, on the fitted and on the held-out part, and the TOML to apply; or that nothing
/// is gained. Changes no file.
[[nodiscard]] Result<ExitStatus> recalibrate(const RecalibrateOptions& options);

}  // namespace replayd::ctl
