#pragma once
// `replayctl follow`: sends growing files and folders to a daemon, until it is told to stop.

#include "daemon/replayctl/stream_command.hpp"

namespace replayd::ctl {

/// As `stream_trace`, with the paths of `options.trace.follow`; SIGINT and SIGTERM end it once everything sent is
/// durable. It looks for more every 100 ms. Started again with the same files it goes on where it was: what the stream
/// has is passed over.
[[nodiscard]] Result<ExitStatus> follow_files(StreamOptions options);

}  // namespace replayd::ctl
