#pragma once
// The token that a request shows, and the names and addresses in its headers.

#include <optional>
#include <string>
#include <string_view>

#include "daemon/net/http.hpp"
#include "replay/base/error.hpp"

namespace replayd::access {

/// The token of `Authorization: Bearer TOKEN` (RFC 6750 section 2.1), or the password of `Authorization: Basic …`
/// (RFC 7617): any user name will do. Without that header, the token of a subprotocol
/// "replayd.bearer." + base64url(TOKEN) of a websocket upgrade, since pages cannot set headers there. Nothing without
/// either. Error `invalid_argument` for another scheme or text that does not decode; the message never holds the
/// header.
[[nodiscard]] Result<std::optional<std::string>> shown_token(const net::HttpRequest& request);

/// "host" of "host:port", "[::1]" of "[::1]:80".
[[nodiscard]] std::string_view host_of(std::string_view host_and_port);

/// Whether `origin` is http:// or https:// followed by the request's Host.
[[nodiscard]] bool same_origin(const net::HttpRequest& request, std::string_view origin);

/// Whether `origin` is a page of this machine: localhost or a loopback address, on any port.
[[nodiscard]] bool loopback_origin(std::string_view origin);

/// Whether a public name server could answer for the host: it has a dot, is no address and not below "localhost". A
/// page elsewhere can have its own name point at this machine ("DNS rebinding"); such a name then is in Host.
[[nodiscard]] bool public_name(std::string_view host);

}  // namespace replayd::access
