#include <gtest/gtest.h>
#include <zlib.h>

#include "tests/daemon/net/conformance/raw_websocket.hpp"
#include "tests/daemon/net/running_server.hpp"

namespace replayd::net {
namespace {

using testing::bytes_of;
using testing::Frame;
using testing::RawWebSocket;
using testing::RunningServer;

constexpr std::chrono::seconds k_patience{120};
constexpr unsigned k_compressed = 4;  // RSV1

/// `size` zeros as one compressed message: about a thousandth of that.
std::string compressed_zeros(std::size_t size) {
    z_stream stream{};
    deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    std::string zeros(size, '\0');
    std::string out(deflateBound(&stream, size), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(zeros.data());
    stream.avail_in = static_cast<uInt>(size);
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_SYNC_FLUSH);
    out.resize(stream.total_out - 4);  // RFC 7692 section 7.2.1: the last four bytes stay away
    deflateEnd(&stream);
    return out;
}

/// The text of the next frame, which must be a close: "1009 a message has …".
std::string close_of(RawWebSocket& socket) {
    const auto frame = socket.read(k_patience);
    if (!frame) return socket.ended() ? "the connection ended" : "nothing came";
    if (frame->opcode != testing::k_close) return "a frame of type " + std::to_string(frame->opcode);
    const auto high = static_cast<unsigned char>(frame->payload.at(0));
    const auto low = static_cast<unsigned char>(frame->payload.at(1));
    return std::to_string(high << 8 | low) + " " + frame->payload.substr(2);
}

// What is small on the wire and large in memory is refused at the limit of messages, before it is inflated further.
TEST(Deflate, message_that_inflates_beyond_the_limit_closes_with_1009) {
    ServerOptions options;
    options.websocket_message_bytes_max = 1u << 20;
    RunningServer server(options);
    RawWebSocket socket(server.endpoint().port, "permessage-deflate");
    ASSERT_TRUE(socket.open());
    const std::string bomb = compressed_zeros(64u << 20);
    ASSERT_LT(bomb.size(), 100'000u);
    ASSERT_TRUE(socket.send({testing::k_binary, bomb, true, k_compressed}));
    EXPECT_EQ(close_of(socket), "1009 a message has more than 1048576 bytes");
}

// Bytes that are no deflate stream end the connection, and only that one.
TEST(Deflate, compressed_nonsense_ends_the_connection) {
    RunningServer server;
    RawWebSocket socket(server.endpoint().port, "permessage-deflate");
    ASSERT_TRUE(socket.send({testing::k_binary, std::string(64, '\xff'), true, k_compressed}));
    EXPECT_FALSE(socket.read(k_patience));
    EXPECT_TRUE(socket.ended());
    EXPECT_TRUE(server.journal.wait_for("close").starts_with("close the connection is lost"));
    EXPECT_TRUE(RawWebSocket(server.endpoint().port).open());
}

// Each offer and what the server makes of it: windows towards the client never exceed 12 bits; what RFC 7692 tells to
// decline, and a window of 8 bits, leave the connection uncompressed.
TEST(Deflate, offers_are_answered_as_the_standard_says) {
    struct Case {
        const char* offer;
        const char* answer;
    };
    const Case cases[] = {
        {"", ""},
        {"permessage-deflate", "permessage-deflate; server_max_window_bits=12"},
        {"permessage-deflate; client_max_window_bits", "permessage-deflate; server_max_window_bits=12"},
        {"permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=9"},
        {"permessage-deflate; server_max_window_bits=\"10\"", "permessage-deflate; server_max_window_bits=10"},
        {"permessage-deflate; server_no_context_takeover",
         "permessage-deflate; server_no_context_takeover; server_max_window_bits=12"},
        {"permessage-deflate; client_no_context_takeover",
         "permessage-deflate; client_no_context_takeover; server_max_window_bits=12"},
        {"x-unknown, permessage-deflate", "permessage-deflate; server_max_window_bits=12"},
        {"x-webkit-deflate-frame", ""},
        {"permessage-deflate; server_max_window_bits=8", ""},
        {"permessage-deflate; server_max_window_bits=16", ""},
        {"permessage-deflate; server_max_window_bits", ""},
        {"permessage-deflate; server_no_context_takeover=1", ""},
        {"permessage-deflate; unknown_parameter", ""},
        {"permessage-deflate; server_max_window_bits=9; server_max_window_bits=10", ""},
    };
    RunningServer server;
    for (const Case& c : cases) {
        RawWebSocket socket(server.endpoint().port, c.offer);
        EXPECT_TRUE(socket.open()) << c.offer;
        EXPECT_EQ(socket.extensions(), c.answer) << c.offer;
    }
    ServerOptions plain;
    plain.websocket_deflate = false;
    RunningServer without(plain);
    EXPECT_EQ(RawWebSocket(without.endpoint().port, "permessage-deflate").extensions(), "");
}

// A frame that is announced and never sent, and fragments with pings between them, hold a connection no longer than the
// time for one message; a message of its own does not.
TEST(MessageTimeout, unfinished_message_closes_with_1008) {
    ServerOptions options;
    options.websocket_message_timeout = std::chrono::milliseconds(40);
    RunningServer server(options);
    const std::string expected = "1008 a message was not complete after 40 ms: expected it in that time";
    const std::string announced = bytes_of({testing::k_binary, std::string(8u << 20, 'x')}).substr(0, 14);
    RawWebSocket silent(server.endpoint().port);
    ASSERT_TRUE(silent.send_bytes(announced));
    EXPECT_EQ(close_of(silent), expected);
    RawWebSocket slow(server.endpoint().port);
    ASSERT_TRUE(slow.send({testing::k_text, "first", false}));
    std::string end;
    while (end.empty() || end == "a frame of type 10") {
        ASSERT_TRUE(slow.send({testing::k_ping, "still here"}));
        end = close_of(slow);
    }
    EXPECT_EQ(end, expected);
}

// The clock of a message stands still while the session does not read: the client cannot help that.
TEST(MessageTimeout, paused_connections_have_time) {
    ServerOptions options;
    options.websocket_message_timeout = std::chrono::milliseconds(20);
    RunningServer server(options, RunningServer::greet, [](WebSocket& socket, std::string_view message, bool) {
        socket.send("heard " + std::string(message), false);
        if (message == "pause") socket.pause_reading(true);
    });
    RawWebSocket socket(server.endpoint().port);
    ASSERT_TRUE(socket.send({testing::k_text, "pause"}));
    ASSERT_EQ(socket.read(k_patience).value_or(Frame{}).payload, "heard pause");
    ASSERT_TRUE(socket.send_bytes(bytes_of({testing::k_text, "cut in the middle"}).substr(0, 8)));
    // Another connection is closed for that very thing in the meantime.
    RawWebSocket other(server.endpoint().port);
    ASSERT_TRUE(other.send_bytes(bytes_of({testing::k_text, "cut in the middle"}).substr(0, 8)));
    EXPECT_TRUE(close_of(other).starts_with("1008 "));
    EXPECT_FALSE(socket.read(std::chrono::milliseconds(1)));
    EXPECT_FALSE(socket.ended());
}

}  // namespace
}  // namespace replayd::net
