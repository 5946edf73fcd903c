#pragma once
// The two kinds of connection of the server. Beast stays in their .cpp files.

#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "daemon/net/http.hpp"
#include "daemon/net/server_state.hpp"

namespace replayd::net::impl {

/// Serves requests on the socket until it closes, or hands the socket over to a websocket.
void serve_http(boost::asio::ip::tcp::socket socket, const std::shared_ptr<ServerState>& state);

/// Answers 503 to whatever comes and closes: the server has its maximum of connections.
void refuse_http(boost::asio::ip::tcp::socket socket, const std::shared_ptr<ServerState>& state);

/// Accepts the upgrade (checked by the caller: GET, version 13, a key of 16 bytes, the route's subprotocol) and
/// runs the session that the route makes. `key` is the value of Sec-WebSocket-Key.
void serve_websocket(boost::asio::ip::tcp::socket socket, const std::shared_ptr<ServerState>& state, Route& route,
                     std::string key, HttpRequest upgrade);

/// "127.0.0.1:5123", or "unknown" when the peer is gone already.
[[nodiscard]] std::string peer_of(const boost::asio::ip::tcp::socket& socket);

}  // namespace replayd::net::impl
