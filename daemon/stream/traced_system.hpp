#pragma once
// The hello's description of the traced system as JSON, for the stream's row.

#include <string>

#include "daemon/protocol/messages.hpp"

namespace replayd::stream {

/// Fields that are unknown are left out; empty text when everything is.
[[nodiscard]] std::string traced_system_json(const protocol::TracedSystem& system);

}  // namespace replayd::stream
