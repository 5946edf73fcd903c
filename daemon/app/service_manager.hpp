#pragma once
// What systemd and the daemon tell each other (sd_notify(3), sd_listen_fds(3)); without systemd every call does
// nothing.

#include <chrono>
#include <optional>
#include <string>

#include "replay/base/error.hpp"

namespace replayd::app {

/// The one listening socket that was passed to this process, or -1. Errors `invalid_argument`: several were passed, or
/// one that is no listening TCP socket.
[[nodiscard]] Result<int> passed_socket();

/// Time after which systemd takes a daemon that has not pinged for stuck; nothing where it does not watch.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_time();

void tell_ready(const std::string& status);
/// Between this and the next `tell_ready` the configuration is read again.
void tell_reloading();
void tell_stopping();
void tell_status(const std::string& status);
void ping_watchdog();

}  // namespace replayd::app
