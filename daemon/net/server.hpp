#pragma once
// The daemon's listener: HTTP and websockets on one port, on the io_context given. Limits are stated here and
// in proto/README.md. Beast lives behind this header.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "daemon/net/http.hpp"
#include "daemon/net/websocket.hpp"
#include "replay/base/error.hpp"

namespace replayd::net {

struct ServerOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = 8080;                     ///< 0: any free port, see Server::port()
    int listen_fd = -1;                            ///< >= 0: an already listening socket (systemd activation)
    std::size_t http_body_bytes_max = 8u << 20;
    std::size_t http_header_bytes_max = 16u << 10;
    std::size_t websocket_message_bytes_max = 16u << 20;
    std::size_t connections_max = 1024;
    std::chrono::seconds http_idle_timeout{30};
    std::chrono::seconds websocket_idle_timeout{300};  ///< with keep-alive pings at half of it
};

/// One websocket path: its subprotocol and what makes a session for an accepted upgrade.
struct WebSocketRoute {
    std::string subprotocol;  ///< offered by the client or the upgrade is refused with 400
    std::function<std::unique_ptr<WebSocketSession>(const HttpRequest& upgrade)> make_session;
};

class Server {
public:
    /// Binds and listens. Error `io` names the address, the port and the reason.
    [[nodiscard]] static Result<std::unique_ptr<Server>> listen(boost::asio::io_context& io, ServerOptions options,
                                                                HttpHandler http,
                                                                std::map<std::string, WebSocketRoute> websockets);
    virtual ~Server() = default;

    [[nodiscard]] virtual std::uint16_t port() const = 0;
    /// Open connections now.
    [[nodiscard]] virtual std::size_t http_connections() const = 0;
    [[nodiscard]] virtual std::size_t websocket_connections(std::string_view path) const = 0;
    /// Stops accepting, closes websockets with 1001 (going away), lets running HTTP answers finish, then calls
    /// `done` on the io thread.
    virtual void stop(std::function<void()> done) = 0;
};

}  // namespace replayd::net
