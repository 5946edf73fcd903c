#pragma once
// `replayctl search`: which cluster serves a trace within its objectives at the least cost.

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/replayctl/exit_status.hpp"
#include "daemon/replayctl/output_mode.hpp"
#include "daemon/replayctl/trace_source.hpp"

namespace replayd::ctl {

struct SearchOptions {
    std::string spec;  ///< path of the search's TOML text
    TraceInput trace;
    std::vector<std::string> catalogs;
    std::string journal;       ///< empty: nothing is kept for a second call
    std::string csv;           ///< empty: not written
    std::vector<std::string> fronts;  ///< files of the Pareto fronts, by their ending a picture (.svg) or rows (.csv)
    std::int64_t workers = 0;  ///< trials at once; 0: one per core
    OutputMode mode = OutputMode::table;
};

/// Runs the search to its end and prints what it found, which does not depend on the number of workers, nor on how often it
/// was interrupted. Refused when no candidate at all is possible, with the first reason.
[[nodiscard]] Result<ExitStatus> search_clusters(const SearchOptions& options);

}  // namespace replayd::ctl
