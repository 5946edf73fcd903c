#pragma once
// `replayctl bisect`: the first event in which two runs of one stream differ.

#include <cstdint>

#include "daemon/replayctl/exit_status.hpp"
#include "daemon/replayctl/history_source.hpp"
#include "daemon/replayctl/output_mode.hpp"
#include "replay/base/error.hpp"

namespace replayd::ctl {

struct BisectOptions {
    std::int64_t run_a = 0;
    std::int64_t run_b = 0;
    SourceChoice source;
    OutputMode mode = OutputMode::table;
};

/// Prints the moment, what each did, the state of the replica before, and which keys of the scenarios differ.
[[nodiscard]] Result<ExitStatus> bisect_runs(const BisectOptions& options);

}  // namespace replayd::ctl
