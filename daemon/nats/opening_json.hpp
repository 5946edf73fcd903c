#pragma once
// The first message of a stream's log: what every process must know to take part.

#include <string>
#include <string_view>

#include "daemon/stream/shared_log.hpp"
#include "replay/base/error.hpp"

namespace replayd::nats {

[[nodiscard]] std::string opening_json(const stream::Opening& opening);
/// Error `io` when the text is none, as from a newer replayd.
[[nodiscard]] Result<stream::Opening> parse_opening(std::string_view text);

}  // namespace replayd::nats
