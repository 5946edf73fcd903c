#pragma once
// The life of the process after the command line was read: start, signals, watchdog, drain.

#include <functional>

#include "daemon/config/config.hpp"
#include "replay/base/error.hpp"

namespace replayd::app {

/// Starts the daemon and serves until SIGTERM or SIGINT, then drains: within config.drain_max, or until a second such
/// signal, else the process ends at once with status 1 (nothing acknowledged is lost by that). SIGHUP calls `reread`
/// for the configuration of now and takes over what may change; an error there is logged and changes nothing. Meanwhile
/// the service manager is told of readiness, what the daemon does, and that its parts are alive. Errors: those of the
/// start. Call it once, from the first thread, before any other thread begins: it blocks these signals everywhere.
[[nodiscard]] Result<void> serve(const config::DaemonConfig& config,
                                 const std::function<Result<config::DaemonConfig>()>& reread);

}  // namespace replayd::app
