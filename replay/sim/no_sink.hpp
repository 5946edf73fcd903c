#pragma once
// For runs whose records nobody wants.

#include "replay/sim/records.hpp"

namespace replayd {

/// Throws every record away. It has no state and lives as long as the program.
[[nodiscard]] RecordSink& no_sink();

}  // namespace replayd
