#pragma once
// Frames of ingest protocol replayd.v1 to plain messages and back: binary frames are protobuf, text frames JSON
// with the same field names. Protobuf and JSON types stay behind this header. Stateless: any thread.

#include <string>
#include <string_view>

#include "daemon/protocol/messages.hpp"
#include "replay/base/error.hpp"

namespace replayd::protocol {

/// Decodes and checks one frame of a client. Errors: `invalid_argument` (not a message of the protocol, a wrong
/// type, an unknown field or key, a bad value; the message names the path), `too_large` (a limit of limits.hpp).
[[nodiscard]] Result<ClientMessage> decode_client_message(std::string_view frame, bool binary);
/// Decodes one frame of the daemon; errors as above.
[[nodiscard]] Result<ServerMessage> decode_server_message(std::string_view frame, bool binary);

/// The frame of a message. The caller sends valid messages (see validate.hpp); nothing is checked here.
[[nodiscard]] std::string encode_client_message(const ClientMessage& message, bool binary);
[[nodiscard]] std::string encode_server_message(const ServerMessage& message, bool binary);

/// The durable log's payload of a batch: the bytes of a replayd.v1 ArrivalBatch, whatever frame it came in.
[[nodiscard]] std::string serialize_log_batch(const ArrivalBatch& batch);
/// Reads such a payload back. Error `io` when the bytes are not one.
[[nodiscard]] Result<ArrivalBatch> parse_log_batch(std::string_view payload);

}  // namespace replayd::protocol
