#pragma once
// `replayctl at`: a run as it stood at a moment.

#include <cstdint>
#include <optional>

#include "daemon/replayctl/exit_status.hpp"
#include "daemon/replayctl/history_source.hpp"
#include "daemon/replayctl/output_mode.hpp"
#include "replay/base/error.hpp"

namespace replayd::ctl {

struct AtOptions {
    std::int64_t run = 0;
    std::optional<std::int64_t> at_ns;  ///< absent: now
    std::int64_t listed = 5;            ///< requests of each queue and batch
    SourceChoice source;
    OutputMode mode = OutputMode::table;
};

/// Prints a line per replica, the oldest requests that wait and run, and transfers. The run is replayed up to there.
[[nodiscard]] Result<ExitStatus> show_moment(const AtOptions& options);

}  // namespace replayd::ctl
