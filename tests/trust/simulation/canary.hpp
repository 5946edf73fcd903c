#pragma once
// A history with a defect that acknowledges what is not stored.

#include <memory>

#include "storage/stepped_history.hpp"
#include "tests/trust/simulation/world.hpp"

namespace replayd::trust {

/// `history` itself with Canary::none.
[[nodiscard]] std::unique_ptr<storage::History> with_canary(storage::SteppedHistory& history, Canary canary);

}  // namespace replayd::trust
