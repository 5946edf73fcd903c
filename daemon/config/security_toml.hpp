#pragma once
// The tables of the daemon's TOML file that say who may do what. For the .cpp files of this folder.

#include "daemon/config/config.hpp"
#include "daemon/config/section.hpp"

namespace replayd::config {

/// `origins` of [listen]: "https://host" or "https://host:port" each.
[[nodiscard]] Result<void> read_origins(const Section& section, DaemonConfig& config);
/// [[token]] tables.
[[nodiscard]] Result<void> read_tokens(const toml::table& root, std::string_view origin, DaemonConfig& config);
/// [limits]
[[nodiscard]] Result<void> read_limits(const Section& section, DaemonConfig& config);
/// [privacy]
[[nodiscard]] Result<void> read_privacy(const Section& section, DaemonConfig& config);

}  // namespace replayd::config
