#pragma once
// `replayctl replay`: a trace through scenarios in this process, without a daemon.

#include <string>
#include <vector>

#include "daemon/replayctl/exit_status.hpp"
#include "daemon/replayctl/output_mode.hpp"
#include "daemon/replayctl/trace_source.hpp"

namespace replayd::ctl {

struct ReplayOptions {
    TraceInput trace;
    std::vector<std::string> scenarios;  ///< names or files, 1 or more
    std::vector<std::string> what_if;  ///< "KEY=VALUE": each scenario is replayed a second time with these laid over it
    std::vector<std::string> catalogs;
    std::string db;                      ///< empty: nothing is recorded
    std::string stream;                  ///< name in the history; empty: made from the trace's
    std::string requests_csv;            ///< empty: not written
    std::string windows_csv;
    std::string batches_csv;             ///< of one scenario
    std::string tokens_csv;              ///< of one scenario
    bool stepper = false;                ///< one event per step: the oracle of the engine
    OutputMode mode = OutputMode::table;
};

/// Replays and prints the summary. The result does not depend on the number of threads.
[[nodiscard]] Result<ExitStatus> replay(const ReplayOptions& options);

}  // namespace replayd::ctl
