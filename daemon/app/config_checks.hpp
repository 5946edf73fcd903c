#pragma once
// What a configuration names outside of itself, looked at before the daemon starts: otherwise a folder that is not
// there or a misspelt scenario would show as an empty page, or at the first span.

#include <functional>
#include <string>

#include "daemon/config/config.hpp"
#include "daemon/stream/scenario_library.hpp"
#include "replay/base/error.hpp"

namespace replayd::app {

/// The folder of the page has its index.html and every style sheet and script that this names; every folder of searches
/// can be read. Errors: `not_found`, `invalid_argument` (a file), `io` (closed to this user).
[[nodiscard]] Result<void> check_folders(const config::DaemonConfig& config);

/// The scenarios of [otlp] and of every [[stream]] but those that `exists` knows are in the library, and what else
/// streams of spans are created with makes sense. Errors: `not_found` with the scenarios that there are,
/// `invalid_argument`.
[[nodiscard]] Result<void> check_streams(const config::DaemonConfig& config, const stream::ScenarioLibrary& library,
                                         const std::function<bool(const std::string&)>& exists);

}  // namespace replayd::app
