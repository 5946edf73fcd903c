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
#include <string_view>

#include <boost/asio/io_context.hpp>

#include "daemon/net/gate.hpp"
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
    std::size_t http_header_fields_max = 100;
    std::size_t http_target_bytes_max = 8u << 10;
    std::size_t websocket_message_bytes_max = 16u << 20;
    std::size_t connections_max = 2048;
    std::size_t connections_per_client_max = 2048;  ///< of one address
    std::chrono::milliseconds http_header_timeout{10'000};  ///< for a whole header, from its first byte
    std::chrono::milliseconds http_idle_timeout{30'000};  ///< until a request begins, for its body, and for its answer
    std::chrono::milliseconds websocket_idle_timeout{300'000};  ///< with keep-alive pings at half of it
    /// For one whole message, from its first frame's header, while the session reads: whoever announces a frame and
    /// sends none of it, or all too slowly, is closed with 1008 within a quarter more than that.
    std::chrono::milliseconds websocket_message_timeout{60'000};
    /// Whether clients that offer permessage-deflate (RFC 7692) get it. A connection then holds at most 64 KiB more:
    /// windows of 4 KiB towards the client and of 32 KiB from it. Limits of messages are those of their contents.
    bool websocket_deflate = true;
    /// Bytes waiting for a reader that does not keep up; beyond it the connection is closed with 1013.
    std::size_t websocket_queue_bytes_max = 64u << 20;
    std::chrono::milliseconds close_timeout{5000};     ///< for queued messages and the peer's close frame
    std::shared_ptr<Gate> gate;                        ///< null: everything may pass
};

/// One websocket path: its subprotocol and what makes a session for an accepted upgrade.
struct WebSocketRoute {
    std::string subprotocol;  ///< offered by the client or the upgrade is refused with 400
    /// Called on the io thread once the upgrade is through; never null.
    std::function<std::unique_ptr<WebSocketSession>(const HttpRequest& upgrade)> make_session;
};

/// `io` is run by one thread and outlives the server, its websockets and every `respond` handed out. Destroying a
/// server closes its connections at once; `stop` ends them in good order.
class Server {
public:
    /// Binds and listens. Error `io` names the address, the port and the reason.
    [[nodiscard]] static Result<std::unique_ptr<Server>> listen(boost::asio::io_context& io, ServerOptions options,
                                                                HttpHandler http,
                                                                std::map<std::string, WebSocketRoute> websockets);
    virtual ~Server() = default;

    [[nodiscard]] virtual std::uint16_t port() const = 0;
    /// The address listened on, without the port: "127.0.0.1".
    [[nodiscard]] virtual std::string address() const = 0;
    /// Open connections now; from any thread. 0 for an unknown path.
    [[nodiscard]] virtual std::size_t http_connections() const = 0;
    [[nodiscard]] virtual std::size_t websocket_connections(std::string_view path) const = 0;
    /// Connections that one address may have from now on; those that are open stay. From any thread.
    virtual void limit_connections_per_client(std::size_t most) = 0;
    /// Stops accepting, closes websockets with 1001 (going away), lets running HTTP answers finish, then calls
    /// `done` on the io thread. From any thread, once.
    virtual void stop(std::function<void()> done) = 0;
};

}  // namespace replayd::net
