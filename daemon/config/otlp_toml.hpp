#pragma once
// The table of the daemon's TOML file for spans of OpenTelemetry. For the .cpp files of this folder.

#include "daemon/config/config.hpp"
#include "daemon/config/section.hpp"

namespace replayd::config {

/// [otlp]
[[nodiscard]] Result<void> read_otlp(const Section& section, DaemonConfig& config);

}  // namespace replayd::config
