#include "tests/daemon/net/conformance/raw_websocket.hpp"

#include <utility>

namespace replayd::net::testing {
namespace {

// Key and accept value of the example in RFC 6455 section 1.3.
constexpr std::string_view k_key = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view k_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
constexpr unsigned char k_mask[4] = {0x37, 0xfa, 0x21, 0x3d};  // RFC 6455 section 5.7
constexpr std::chrono::seconds k_handshake_patience{120};

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>((value >> shift) & 0xff);
}

/// The value of a header in an answer, or nothing.
std::string header_value(const std::string& answer, const std::string& name) {
    const std::string start = "\r\n" + name + ": ";
    const std::size_t found = answer.find(start);
    if (found == std::string::npos) return "";
    const std::size_t value = found + start.size();
    return answer.substr(value, answer.find("\r\n", value) - value);
}

}  // namespace

std::string bytes_of(const Frame& frame) {
    std::string out;
    out.reserve(frame.payload.size() + 14);
    out += static_cast<char>((frame.fin ? 0x80U : 0U) | (frame.reserved << 4U) | frame.opcode);
    const std::size_t size = frame.payload.size();
    if (size < 126) {
        out += static_cast<char>(0x80U | size);
    } else if (size < 65536) {
        out += static_cast<char>(0x80U | 126U);
        append_big_endian(out, size, 2);
    } else {
        out += static_cast<char>(0x80U | 127U);
        append_big_endian(out, size, 8);
    }
    for (const unsigned char byte : k_mask) out += static_cast<char>(byte);
    for (std::size_t i = 0; i < size; ++i) {
        out += static_cast<char>(static_cast<unsigned char>(frame.payload[i]) ^ k_mask[i % 4]);
    }
    return out;
}

std::string close_payload(unsigned code, std::string_view reason) {
    std::string out;
    append_big_endian(out, code, 2);
    return out.append(reason);
}

RawWebSocket::RawWebSocket(std::uint16_t port, std::string_view extensions) : peer_(port) {
    std::string request = "GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    request.append("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: echo.v1\r\nSec-WebSocket-Key: ");
    request.append(k_key).append("\r\n");
    if (!extensions.empty()) request.append("Sec-WebSocket-Extensions: ").append(extensions).append("\r\n");
    if (!peer_.send(request + "\r\n")) return;
    std::size_t end = std::string::npos;
    while (end == std::string::npos) {
        if (peer_.read(buffer_, k_handshake_patience) != Arrived::bytes) return;
        end = buffer_.find("\r\n\r\n");
    }
    const std::string answer = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    extensions_ = header_value(answer, "Sec-WebSocket-Extensions");
    open_ = answer.starts_with("HTTP/1.1 101 ") && header_value(answer, "Sec-WebSocket-Accept") == k_accept &&
            header_value(answer, "Sec-WebSocket-Protocol") == "echo.v1";
}

std::optional<Frame> RawWebSocket::read(std::chrono::milliseconds patience) {
    for (;;) {
        if (auto frame = take_frame()) return frame;
        if (!broken_.empty() || ended_) return std::nullopt;
        buffer_.erase(0, std::exchange(taken_, 0));
        const Arrived arrived = peer_.read(buffer_, patience);
        if (arrived == Arrived::nothing) return std::nullopt;
        ended_ = arrived == Arrived::end;
    }
}

std::optional<Frame> RawWebSocket::take_frame() {
    const std::string_view rest = std::string_view(buffer_).substr(taken_);
    const auto byte = [&rest](std::size_t i) {
        return static_cast<std::uint64_t>(static_cast<unsigned char>(rest[i]));
    };
    if (rest.size() < 2) return std::nullopt;
    if ((byte(1) & 0x80U) != 0) {
        broken_ = "the server sent a masked frame";
        return std::nullopt;
    }
    std::uint64_t size = byte(1) & 0x7fU;
    const std::size_t length_bytes = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (rest.size() < 2 + length_bytes) return std::nullopt;
    if (length_bytes > 0) size = 0;
    for (std::size_t i = 0; i < length_bytes; ++i) size = size << 8U | byte(2 + i);
    const std::size_t start = 2 + length_bytes;
    if (rest.size() - start < size) return std::nullopt;
    Frame frame;
    frame.fin = (byte(0) & 0x80U) != 0;
    frame.reserved = static_cast<unsigned>(byte(0) >> 4U) & 7U;
    frame.opcode = static_cast<unsigned>(byte(0)) & 0xfU;
    frame.payload = rest.substr(start, size);
    taken_ += start + size;
    return frame;
}

}  // namespace replayd::net::testing
