#pragma once
// The two encodings behind codec.hpp. Decoders check types and names only; values are checked by validate.hpp.

#include <string>
#include <string_view>

#include "daemon/protocol/messages.hpp"
#include "replay/base/error.hpp"

namespace replayd::protocol::impl {

/// A factor as both encodings keep it: rounded to 12 significant digits. A JSON reader may be off in the last bit of a
/// double with more, and the same hello must mean the same however it was encoded.
[[nodiscard]] double kept_factor(double value);

[[nodiscard]] Result<ClientMessage> client_from_json(std::string_view frame);
[[nodiscard]] Result<ServerMessage> server_from_json(std::string_view frame);
[[nodiscard]] std::string to_json(const ClientMessage& message);
[[nodiscard]] std::string to_json(const ServerMessage& message);

[[nodiscard]] Result<ClientMessage> client_from_protobuf(std::string_view frame);
[[nodiscard]] Result<ServerMessage> server_from_protobuf(std::string_view frame);
[[nodiscard]] Result<ArrivalBatch> batch_from_protobuf(std::string_view bytes);
[[nodiscard]] std::string to_protobuf(const ClientMessage& message);
[[nodiscard]] std::string to_protobuf(const ServerMessage& message);
[[nodiscard]] std::string to_protobuf(const ArrivalBatch& batch);

}  // namespace replayd::protocol::impl
