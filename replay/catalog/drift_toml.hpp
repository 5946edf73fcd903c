#pragma once
// The table [drift] of a scenario.

#include "replay/catalog/drift_spec.hpp"
#include "replay/catalog/table_reader.hpp"

namespace replayd {

/// What the table leaves out has DriftSpec's default; troubles go to the reader's errors.
[[nodiscard]] DriftSpec read_drift(TableReader table);

}  // namespace replayd
