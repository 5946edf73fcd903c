#pragma once
// The version that the daemon reports.

#include <string_view>

namespace replayd::config {

inline constexpr std::string_view k_version = REPLAYD_VERSION;

}  // namespace replayd::config
