#pragma once
// Blocking HTTP and websocket clients, for replayctl and tests. Beast lives behind this header.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/net/http.hpp"
#include "replay/base/error.hpp"

namespace replayd::net {

struct Endpoint {
    std::string host = "127.0.0.1";
    std::uint16_t port = 8080;
    std::string token = {};  ///< sent as `Authorization: Bearer TOKEN` with every request; empty: none
};

/// Parses "http://host:port", "ws://host:port", "host:port" or "host"; an IPv6 address stands in brackets, a
/// trailing '/' is ignored. Error `invalid_argument`.
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view text);

/// "host:port", with brackets around an IPv6 address.
[[nodiscard]] std::string host_and_port(const std::string& host, std::uint16_t port);

/// One request on a fresh connection; `timeout` bounds each of connecting, sending and receiving. Header names of
/// the answer are in lower case. Error `unavailable` when nothing listens, `io` otherwise.
[[nodiscard]] Result<HttpResponse> http_request(const Endpoint& endpoint, const std::string& method,
                                                const std::string& target, std::string body = {},
                                                const std::string& content_type = "application/json",
                                                std::chrono::milliseconds timeout = std::chrono::seconds(30));

struct WebSocketMessage {
    std::string data;
    bool binary = false;
};

/// One thread at a time. Pings are answered and messages taken from the socket only inside a call.
class WebSocketClient {
public:
    /// Connects and upgrades. Error `unavailable` when nothing listens or the daemon answers 503, `invalid_argument`
    /// or `not_found` when it refuses the upgrade (the message holds its reason), `io` otherwise.
    [[nodiscard]] static Result<std::unique_ptr<WebSocketClient>> connect(const Endpoint& endpoint,
                                                                          const std::string& target,
                                                                          const std::string& subprotocol);
    virtual ~WebSocketClient() = default;
    /// Blocks until the message is handed to the kernel; messages that arrive meanwhile wait for `receive`. Error
    /// `unavailable` when the connection is closed.
    [[nodiscard]] virtual Result<void> send(std::string_view message, bool binary) = 0;
    /// Next message; nothing when none came within `timeout`. A close by the peer is an error `unavailable`
    /// whose message holds the close code and reason.
    [[nodiscard]] virtual Result<std::optional<WebSocketMessage>> receive(std::chrono::milliseconds timeout) = 0;
    /// Code of the peer's close frame, 0 while open.
    [[nodiscard]] virtual std::uint16_t close_code() const = 0;
    /// Sends a close frame and waits for the peer's, at most 5 s; what arrives meanwhile is dropped.
    virtual void close(std::uint16_t code) = 0;
};

}  // namespace replayd::net
