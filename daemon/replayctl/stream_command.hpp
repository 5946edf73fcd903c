#pragma once
// `replayctl stream`: sends a trace to a daemon over the ingest protocol.

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "daemon/replayctl/exit_status.hpp"
#include "daemon/replayctl/output_mode.hpp"
#include "daemon/replayctl/trace_source.hpp"

namespace replayd::ctl {

struct StreamOptions {
    TraceInput trace;
    std::string stream;                  ///< its name
    std::vector<std::string> scenarios;  ///< to create the stream with; ignored when it exists
    std::string daemon;                  ///< address; empty: as history_source.hpp says
    std::string token_file;              ///< empty: as history_source.hpp says
    double speed = 0;                    ///< of a stream that is created; 0: as fast as possible
    std::string request_rows;            ///< likewise; which requests get a row; empty: all
    std::size_t batch = 1000;            ///< arrivals per frame, 1 to 10,000
    bool json_frames = false;
    bool end = true;                     ///< tell that no arrival follows
    bool wait = false;                   ///< until every run has finished
    std::chrono::nanoseconds retry{std::chrono::seconds(60)};  ///< how long a lost daemon is waited for
    OutputMode mode = OutputMode::table;
};

/// Sends what the daemon does not have yet, reconnecting when the connection is lost, until everything is durable.
/// Fails when the stream holds another trace, when the daemon refuses, and with `wait` when a run failed.
[[nodiscard]] Result<ExitStatus> stream_trace(const StreamOptions& options);

}  // namespace replayd::ctl
