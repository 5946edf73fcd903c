#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "tests/daemon/net/running_server.hpp"

namespace replayd::net {
namespace {

using testing::detail;
using testing::RawSocket;
using testing::RunningServer;

constexpr std::chrono::seconds k_patience{120};

std::string received(WebSocketClient& client) {
    const auto message = client.receive(k_patience);
    if (!message) return "error: " + message.error().message;
    return *message ? (*message)->data : "nothing came";
}

std::string upgrade_bytes(const std::string& path, const std::string& headers) {
    return "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n" + headers +
           "\r\n";
}

// Text and binary come back as sent, and the close carries its code.
TEST(WebSocketServer, echoes_and_closes) {
    RunningServer server;
    auto client = server.open();
    ASSERT_TRUE(client);
    ASSERT_TRUE(client->send("grüße", false));
    ASSERT_TRUE(client->send(std::string("\0\xff", 2), true));
    const auto text = client->receive(k_patience);
    ASSERT_TRUE(text && *text);
    EXPECT_EQ((*text)->data, "grüße");
    EXPECT_FALSE((*text)->binary);
    const auto binary = client->receive(k_patience);
    ASSERT_TRUE(binary && *binary);
    EXPECT_EQ((*binary)->data, std::string("\0\xff", 2));
    EXPECT_TRUE((*binary)->binary);
    EXPECT_EQ(server.server().websocket_connections("/echo"), 1u);
    client->close(1000);
    EXPECT_EQ(server.journal.wait_for("close"), "close closed by the peer with 1000");
    EXPECT_EQ(server.server().websocket_connections("/echo"), 0u);
    EXPECT_EQ(server.server().websocket_connections("/other"), 0u);
}

// A message as large as the limit passes both ways; a byte more closes with 1009.
TEST(WebSocketServer, message_size_limit_is_exact) {
    ServerOptions options;
    options.websocket_message_bytes_max = 3u << 20;
    RunningServer server(options);
    auto client = server.open();
    const std::string largest(3u << 20, 'x');
    ASSERT_TRUE(client->send(largest, true));
    EXPECT_EQ(received(*client), largest);
    ASSERT_TRUE(client->send(largest + "x", true));
    const std::string end = received(*client);
    EXPECT_NE(end.find("closed the connection with 1009: a message has more than 3145728 bytes"), std::string::npos)
        << end;
    EXPECT_EQ(client->close_code(), 1009);
    EXPECT_EQ(server.journal.wait_for("close"), "close closed with 1009: a message has more than 3145728 bytes");
}

// RFC 6455 section 8.1: a text message that is not UTF-8 fails the connection with 1007.
TEST(WebSocketServer, text_that_is_not_utf8_closes_with_1007) {
    RunningServer server;
    auto client = server.open();
    static_cast<void>(client->send("\xc3\x28", false));
    EXPECT_NE(received(*client).find("closed the connection with 1007"), std::string::npos);
    server.journal.wait_for("close");
}

// Nothing to receive is no error, and leaves the connection as it was.
TEST(WebSocketServer, receive_times_out_without_harm) {
    RunningServer server;
    auto client = server.open();
    const auto nothing = client->receive(std::chrono::milliseconds(1));
    ASSERT_TRUE(nothing);
    EXPECT_FALSE(*nothing);
    ASSERT_TRUE(client->send("still here", false));
    EXPECT_EQ(received(*client), "still here");
}

// Every way in which an upgrade can be wrong has its own answer.
TEST(WebSocketServer, wrong_upgrades_are_refused_with_the_reason) {
    RunningServer server;
    const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const std::string version = "Sec-WebSocket-Version: 13\r\n";
    struct Case {
        std::string bytes;
        std::string status;
        std::string detail;
    };
    const Case cases[] = {
        {upgrade_bytes("/echo", key + version), "400", "Sec-WebSocket-Protocol offers \"\": expected \"echo.v1\" on "
                                                       "/echo"},
        {upgrade_bytes("/echo", key + version + "Sec-WebSocket-Protocol: a, echo.v2\r\n"), "400",
         "Sec-WebSocket-Protocol offers \"a, echo.v2\": expected \"echo.v1\" on /echo"},
        {upgrade_bytes("/live", key + version), "404", "no websocket at \"/live\": expected /echo"},
        {upgrade_bytes("/echo", version), "400", "Sec-WebSocket-Key is \"\": expected 16 bytes in base64"},
        {upgrade_bytes("/echo", "Sec-WebSocket-Key: short\r\n" + version), "400",
         "Sec-WebSocket-Key is \"short\": expected 16 bytes in base64"},
        {upgrade_bytes("/echo", key + "Sec-WebSocket-Version: 8\r\n"), "426",
         "Sec-WebSocket-Version is \"8\": expected \"13\""},
        {upgrade_bytes("/echo", key + version + "Sec-WebSocket-Protocol: echo.v1\r\n") + "early", "400",
         "bytes follow the upgrade request: expected none before the answer"},
    };
    for (const Case& c : cases) {
        RawSocket raw(server.endpoint().port);
        raw.send(c.bytes);
        const std::string answer = raw.read_to_end();
        EXPECT_EQ(answer.substr(9, 3), c.status) << answer;
        EXPECT_EQ(detail(answer), c.detail);
    }
    const auto refused = WebSocketClient::connect(server.endpoint(), "/echo", "replayd.v9");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::invalid_argument);
    EXPECT_EQ(refused.error().message,
              "ws://127.0.0.1:" + std::to_string(server.endpoint().port) +
                  "/echo refused the connection with 400: Sec-WebSocket-Protocol offers \"replayd.v9\": expected "
                  "\"echo.v1\" on /echo");
    EXPECT_EQ(server.journal.count("open"), 0u);
}

// Many connections at once, from several threads, each with its own conversation.
TEST(WebSocketServer, serves_many_connections) {
    RunningServer server;
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&server, &right, t] {
            std::vector<std::unique_ptr<WebSocketClient>> clients;
            for (int i = 0; i < 25; ++i) clients.push_back(server.open());
            for (std::size_t i = 0; i < clients.size(); ++i) {
                const std::string text = std::to_string(t) + "/" + std::to_string(i);
                if (clients[i]->send(text, false) && received(*clients[i]) == text) ++right;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(right, 100);
    server.journal.wait_for("close", 100);
    EXPECT_EQ(server.server().websocket_connections("/echo"), 0u);
}

// What a slow reader has not taken is counted; once it reads, everything comes in order and the count is 0.
TEST(WebSocketServer, queue_of_a_slow_reader_grows_and_drains) {
    constexpr std::size_t k_message_bytes = 1u << 20;
    constexpr int k_messages = 24;
    std::atomic<std::size_t> queued{0};
    RunningServer server({}, RunningServer::greet, [&](WebSocket& socket, std::string_view message, bool) {
        if (message == "go") {
            for (int i = 0; i < k_messages; ++i) {
                socket.send(std::string(k_message_bytes, static_cast<char>('a' + i)), true);
            }
            queued = socket.queued_bytes();
        }
        if (message == "left?") socket.send(std::to_string(socket.queued_bytes()), false);
    });
    auto client = server.open();
    ASSERT_TRUE(client->send("go", false));
    for (int i = 0; i < k_messages; ++i) {
        ASSERT_EQ(received(*client), std::string(k_message_bytes, static_cast<char>('a' + i)));
    }
    EXPECT_EQ(queued, k_message_bytes * k_messages);
    ASSERT_TRUE(client->send("left?", false));
    EXPECT_EQ(received(*client), "0");
}

// A reader that never reads is given up at the bound, without holding the memory.
TEST(WebSocketServer, reader_beyond_the_queue_bound_is_closed) {
    ServerOptions options;
    options.websocket_queue_bytes_max = 1u << 20;
    options.close_timeout = std::chrono::milliseconds(50);
    std::atomic<std::size_t> left{1};
    RunningServer server(options, RunningServer::greet, [&left](WebSocket& socket, std::string_view, bool) {
        socket.send(std::string(32u << 20, 'x'), true);
        left = socket.queued_bytes();
    });
    auto client = server.open();
    ASSERT_TRUE(client->send("go", false));
    const std::string reason = server.journal.wait_for("close");
    EXPECT_TRUE(reason == "close the peer did not answer the close in time" || reason == "close closed with 1013")
        << reason;
}

// Paused, the session hears nothing and the peer's sends pile up in TCP; resumed, it hears all, in order.
TEST(WebSocketServer, pausing_holds_messages_back) {
    testing::Journal heard;
    RunningServer server({}, RunningServer::greet, [&heard](WebSocket& socket, std::string_view message, bool) {
        heard.note("heard " + std::string(message));
        if (message == "pause") {
            socket.pause_reading(true);
            socket.send("paused", false);
        }
    });
    auto client = server.open();
    ASSERT_TRUE(client->send("pause", false));
    EXPECT_EQ(received(*client), "paused");
    ASSERT_TRUE(client->send("one", false));
    ASSERT_TRUE(client->send("two", false));
    // A second connection's round trip shows that the io thread had its chance to deliver.
    auto other = server.open();
    ASSERT_TRUE(other->send("pause", false));
    EXPECT_EQ(received(*other), "paused");
    EXPECT_EQ(heard.count("heard one"), 0u);
    std::thread stopper([&server] { server.stop(); });
    EXPECT_EQ(client->receive(k_patience).error().message,
              "ws://127.0.0.1:" + std::to_string(server.endpoint().port) +
                  "/echo closed the connection with 1001: the daemon is shutting down");
    EXPECT_FALSE(other->receive(k_patience));
    stopper.join();
    EXPECT_EQ(heard.count("heard one"), 0u);
}

// Resuming from another thread delivers what was held, once and in order.
TEST(WebSocketServer, resuming_delivers_everything_in_order) {
    testing::Journal journal;
    RunningServer server({}, RunningServer::greet, [&](WebSocket& socket, std::string_view message, bool) {
        journal.note("heard " + std::string(message));
        socket.pause_reading(true);
        // Resumed by another thread while the next message may be under way.
        std::thread([&socket] { socket.pause_reading(false); }).join();
    });
    auto client = server.open();
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(client->send(std::to_string(i), false));
    for (int i = 0; i < 200; ++i) {
        ASSERT_EQ(journal.wait_for("heard ", static_cast<std::size_t>(i) + 1), "heard " + std::to_string(i));
    }
}

// Keep-alive pings: a silent client that answers them stays, one that does not is dropped.
TEST(WebSocketServer, pings_tell_silent_peers_from_dead_ones) {
    ServerOptions options;
    // Half of it is the time that the living one has for its answer.
    options.websocket_idle_timeout = std::chrono::milliseconds(4'000);
    RunningServer server(options);
    auto alive = server.open();
    RawSocket dead(server.endpoint().port);
    dead.send(upgrade_bytes("/echo", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                                     "Sec-WebSocket-Protocol: echo.v1\r\n"));
    EXPECT_TRUE(dead.read_until("\r\n\r\n").starts_with("HTTP/1.1 101 "));
    // The living one waits inside `receive`, where it answers pings, until the dead one is gone.
    while (server.journal.count("close") == 0) {
        const auto nothing = alive->receive(std::chrono::milliseconds(20));
        ASSERT_TRUE(nothing) << nothing.error().message;
    }
    EXPECT_EQ(server.journal.wait_for("close"), "close the peer was silent for 4000 ms");
    ASSERT_TRUE(alive->send("here", false));
    EXPECT_EQ(received(*alive), "here");
}

// The session's own close: queued messages first, then code and reason; an exception closes with 1011.
TEST(WebSocketServer, session_closes_after_its_last_message) {
    RunningServer server({}, RunningServer::greet, [](WebSocket& socket, std::string_view message, bool) {
        if (message == "throw") throw std::runtime_error("out of luck");
        socket.send("last words", false);
        socket.close(4409, std::string(200, 'r'));
        socket.send("too late", false);
    });
    auto client = server.open();
    ASSERT_TRUE(client->send("close", false));
    EXPECT_EQ(received(*client), "last words");
    EXPECT_EQ(received(*client), "error: ws://127.0.0.1:" + std::to_string(server.endpoint().port) +
                                     "/echo closed the connection with 4409: " + std::string(123, 'r'));
    EXPECT_EQ(client->close_code(), 4409);
    auto unlucky = server.open();
    ASSERT_TRUE(unlucky->send("throw", false));
    EXPECT_NE(received(*unlucky).find("closed the connection with 1011: internal error: out of luck"),
              std::string::npos);
}

}  // namespace
}  // namespace replayd::net
