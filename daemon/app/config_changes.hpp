#pragma once
// Which keys of a configuration that is read again need a restart.

#include <string>
#include <vector>

#include "daemon/config/config.hpp"

namespace replayd::app {

/// Names of the keys that differ between the two and cannot change while the daemon runs, as in the TOML file.
[[nodiscard]] std::vector<std::string> changes_that_need_a_restart(const config::DaemonConfig& running,
                                                                   const config::DaemonConfig& fresh);

}  // namespace replayd::app
