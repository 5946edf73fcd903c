#pragma once
// The scenario library that a configuration asks for.

#include <memory>

#include "daemon/config/config.hpp"
#include "daemon/stream/scenario_library.hpp"
#include "replay/base/error.hpp"

namespace replayd::app {

/// Reads the catalog files, then every scenario file and every *.toml of the scenario folders, in the order of
/// their names. Errors: `io` (a file or folder cannot be read), those of the texts. A path of `cost.profile` is looked
/// up in those folders, and in those of the scenario files.
[[nodiscard]] Result<std::unique_ptr<stream::ScenarioLibrary>> load_scenarios(const config::DaemonConfig& config);

}  // namespace replayd::app
