#pragma once
// What a history must hold when a stream has finished, read with SQL alone.

#include <string>
#include <vector>

#include "tests/trust/simulation/world.hpp"

namespace replayd::trust {

/// What is wrong with the stream's rows in the history at `setting.path`, and with the file.
[[nodiscard]] std::vector<std::string> examine_stream(const Setting& setting, const std::string& stream,
                                                      const KnownTrace& trace);

}  // namespace replayd::trust
