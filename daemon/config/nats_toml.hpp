#pragma once
// The table of the daemon's TOML file that says how streams are shared. For the .cpp files of this folder.

#include "daemon/config/config.hpp"
#include "daemon/config/section.hpp"

namespace replayd::config {

/// [nats]
[[nodiscard]] Result<void> read_nats(const Section& section, DaemonConfig& config);

}  // namespace replayd::config
