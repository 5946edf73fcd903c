#pragma once
// Messages that the tests of the codec share.

#include <string>
#include <vector>

#include "daemon/protocol/messages.hpp"

namespace replayd::protocol::testing {

/// Every field set, among them integers beyond 2^53 and text beyond ASCII.
[[nodiscard]] Hello full_hello();
[[nodiscard]] ArrivalBatch full_batch();
/// `count` plain arrivals, 1 µs apart, as a trace without prefixes gives them.
[[nodiscard]] ArrivalBatch plain_batch(std::size_t count);
/// One message of each kind, full and minimal.
[[nodiscard]] std::vector<ClientMessage> client_messages();
[[nodiscard]] std::vector<ServerMessage> server_messages();

}  // namespace replayd::protocol::testing
