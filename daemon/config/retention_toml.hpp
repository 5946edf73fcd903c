#pragma once
// The table of the daemon's TOML file that says what goes by itself. For the .cpp files of this folder.

#include "daemon/config/config.hpp"
#include "daemon/config/section.hpp"

namespace replayd::config {

/// [retention], with its [[retention.stream]] tables
[[nodiscard]] Result<void> read_retention(const Section& section, DaemonConfig& config);

}  // namespace replayd::config
