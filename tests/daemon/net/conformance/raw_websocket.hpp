#pragma once
// A websocket client that can break every rule of RFC 6455: frames are built bit by bit, and what comes back is told
// frame by frame.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/daemon/net/tcp_peer.hpp"

namespace replayd::net::testing {

inline constexpr unsigned k_continuation = 0x0;
inline constexpr unsigned k_text = 0x1;
inline constexpr unsigned k_binary = 0x2;
inline constexpr unsigned k_close = 0x8;
inline constexpr unsigned k_ping = 0x9;
inline constexpr unsigned k_pong = 0xA;

/// One frame (RFC 6455 section 5.2).
struct Frame {
    unsigned opcode = k_text;
    std::string payload;
    bool fin = true;
    unsigned reserved = 0;  ///< RSV1 to RSV3 as the bits 4, 2 and 1

    bool operator==(const Frame&) const = default;
};

/// The bytes of a client's frame, masked with a fixed key and with the shortest length field.
[[nodiscard]] std::string bytes_of(const Frame& frame);
/// The payload of a close frame: the code in network order and the reason.
[[nodiscard]] std::string close_payload(unsigned code, std::string_view reason = "");

class RawWebSocket {
public:
    /// Connects and shakes hands on /echo with the subprotocol "echo.v1"; `extensions` is the value of
    /// Sec-WebSocket-Extensions, none when empty.
    explicit RawWebSocket(std::uint16_t port, std::string_view extensions = "");

    /// Whether the server answered 101 with the accept value that RFC 6455 wants for our key.
    [[nodiscard]] bool open() const { return open_; }
    /// The server's Sec-WebSocket-Extensions, empty without.
    [[nodiscard]] const std::string& extensions() const { return extensions_; }

    bool send(const Frame& frame) { return peer_.send(bytes_of(frame)); }
    bool send_bytes(std::string_view bytes, std::size_t chop = 0) { return peer_.send(bytes, chop); }

    /// The next frame; absent at the end of the connection, after `patience`, or on bytes that no server may send
    /// (`broken` then says why).
    std::optional<Frame> read(std::chrono::milliseconds patience);
    /// Whether the server has closed the TCP connection, as far as it was read.
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] const std::string& broken() const { return broken_; }

private:
    [[nodiscard]] std::optional<Frame> take_frame();

    TcpPeer peer_;
    std::string buffer_;
    std::string extensions_;
    std::string broken_;
    std::size_t taken_ = 0;  ///< bytes of the buffer that frames have used up
    bool open_ = false;
    bool ended_ = false;
};

}  // namespace replayd::net::testing
