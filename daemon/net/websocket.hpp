#pragma once
// A websocket connection as the rest of the daemon sees it: no Beast type appears here.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace replayd::net {

/// The daemon's side of one accepted connection. Every call may come from any thread; it is carried out in
/// order on the connection's strand. Calls after the close are ignored.
class WebSocket {
public:
    virtual ~WebSocket() = default;
    virtual void send(std::string message, bool binary) = 0;
    /// Sends what is queued, then a close frame (RFC 6455 section 7.4 codes, 4000–4999 ours). A reason beyond the
    /// 123 bytes that a close frame can hold is cut: say it in a message first. Messages that arrive later are
    /// dropped; a peer that does not answer in ServerOptions::close_timeout is cut off.
    virtual void close(std::uint16_t code, std::string reason) = 0;
    /// Stops reading from the socket, so that TCP pushes back on the peer, until resumed. No `on_message` comes
    /// meanwhile, and a paused connection is never idle.
    virtual void pause_reading(bool paused) = 0;
    /// Bytes handed to `send` and not yet written.
    [[nodiscard]] virtual std::size_t queued_bytes() const = 0;
    [[nodiscard]] virtual std::string peer() const = 0;
};

/// What a kind of connection does. Calls come on the io thread, one at a time per connection. An exception closes
/// the connection with 1011. The session is destroyed after `on_close`, or with the io_context.
class WebSocketSession {
public:
    virtual ~WebSocketSession() = default;
    virtual void on_open(std::shared_ptr<WebSocket> socket) = 0;
    virtual void on_message(std::string_view message, bool binary) = 0;
    /// The connection is gone, for whatever reason; last call.
    virtual void on_close(std::string_view reason) = 0;
};

}  // namespace replayd::net
