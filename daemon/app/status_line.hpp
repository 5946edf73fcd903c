#pragma once
// What the daemon does, in one line: `systemctl status` shows it.

#include <string>

#include "daemon/stream/stream_registry.hpp"
#include "storage/history.hpp"

namespace replayd::app {

/// "listening on ADDRESS; streams 3, runs going on 2 of 6, backlog 1200 arrivals", and why the history takes nothing,
/// when it does not. The backlog is that of the run that lags most. Any thread.
[[nodiscard]] std::string status_line(const std::string& address, const stream::StreamRegistry& registry,
                                      const storage::History& history);

}  // namespace replayd::app
