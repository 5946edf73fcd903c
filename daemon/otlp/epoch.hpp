#pragma once
// Where the virtual time of a stream begins on the clock of its spans: kept in the stream's row, in the settings of its traced system.

#include <cstdint>
#include <optional>
#include <string>

#include "replay/base/error.hpp"

namespace replayd::otlp {

/// The epoch that `traced_system` (JSON, or empty) names; nothing when it names none.
[[nodiscard]] std::optional<std::int64_t> epoch_of(const std::string& traced_system);

/// `traced_system` with the epoch.
[[nodiscard]] std::string with_epoch(const std::string& traced_system, std::int64_t epoch_unix_ns);

}  // namespace replayd::otlp
