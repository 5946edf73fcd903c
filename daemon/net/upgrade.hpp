#pragma once
// Whether a request may become a websocket (RFC 6455 section 4.2.1), apart from any socket.

#include <string>
#include <string_view>

#include "daemon/net/http.hpp"
#include "daemon/net/server_state.hpp"

namespace replayd::net::impl {

/// Whether the request asks for a websocket: "upgrade" in Connection and "websocket" in Upgrade.
[[nodiscard]] bool wants_websocket(const HttpRequest& request);

struct UpgradeDecision {
    Route* route = nullptr;  ///< set when the upgrade is granted
    HttpResponse refusal;    ///< otherwise
};

/// Grants an upgrade on a known path that offers the route's subprotocol with a sound handshake; otherwise the
/// refusal says what was offered and what was expected.
[[nodiscard]] UpgradeDecision decide_upgrade(const HttpRequest& request, ServerState& state);

/// The request's offer of permessage-deflate as the stream may read it: empty when there is none, or when it asks for a
/// window of 8 bits, which the stream would answer with 9.
[[nodiscard]] std::string deflate_offer(const HttpRequest& request);

/// The answer to a plain request on a websocket path: 426.
[[nodiscard]] HttpResponse upgrade_required(const HttpRequest& request, const Route& route);

}  // namespace replayd::net::impl
