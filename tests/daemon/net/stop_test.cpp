#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "tests/daemon/net/running_server.hpp"

namespace replayd::net {
namespace {

using testing::RunningServer;

constexpr std::chrono::seconds k_patience{120};

// Stopping closes open websockets with 1001 and refuses what comes later.
TEST(Stop, websockets_are_told_that_the_daemon_goes_away) {
    RunningServer server;
    auto client = server.open();
    server.journal.wait_for("open");
    std::thread stopper([&server] { server.stop(); });
    const auto end = client->receive(k_patience);
    stopper.join();
    ASSERT_FALSE(end);
    EXPECT_EQ(client->close_code(), 1001);
    EXPECT_EQ(server.journal.wait_for("close"), "close closed with 1001: the daemon is shutting down");
    EXPECT_FALSE(http_request(server.endpoint(), "GET", "/"));
}

// An HTTP answer that is being made when the stop begins still reaches its client.
TEST(Stop, running_answers_are_finished) {
    std::promise<std::function<void(HttpResponse&&)>> asked;
    RunningServer server({}, [&asked](HttpRequest&&, auto respond) { asked.set_value(std::move(respond)); });
    auto answer = std::async(std::launch::async, [&server] { return http_request(server.endpoint(), "GET", "/"); });
    const auto respond = asked.get_future().get();
    std::promise<void> done;
    server.server().stop([&done] { done.set_value(); });
    HttpResponse response;
    response.body = "in time";
    respond(std::move(response));
    const auto got = answer.get();
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->body, "in time");
    EXPECT_EQ(done.get_future().wait_for(k_patience), std::future_status::ready);
}

// Clients in the middle of sending and receiving all see an end, and every session hears of it exactly once.
TEST(Stop, ends_in_good_order_while_busy) {
    RunningServer server;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&server] {
            auto client = server.open();
            const std::string message(100'000, 'x');
            while (client->send(message, true) && client->receive(k_patience)) {
            }
            EXPECT_EQ(client->close_code(), 1001);
        });
    }
    server.journal.wait_for("open", 8);
    server.stop();
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(server.journal.count("close"), 8u);
}

// A server destroyed without a stop closes its connections at once; its sessions hear of it.
TEST(Stop, destruction_closes_everything) {
    boost::asio::io_context io;
    testing::Journal journal;
    std::map<std::string, WebSocketRoute> routes;
    routes["/echo"] = {"echo.v1", [&journal](const HttpRequest&) {
                           return std::make_unique<testing::ScriptedSession>(journal, testing::echo);
                       }};
    ServerOptions options;
    options.port = 0;
    auto server = Server::listen(io, options, RunningServer::greet, std::move(routes));
    ASSERT_TRUE(server);
    const std::uint16_t port = (*server)->port();
    std::thread io_thread([&io] { io.run(); });
    auto client = WebSocketClient::connect({"127.0.0.1", port}, "/echo", "echo.v1");
    ASSERT_TRUE(client);
    journal.wait_for("open");
    server->reset();
    EXPECT_FALSE((*client)->receive(k_patience));
    io_thread.join();
    EXPECT_EQ(journal.wait_for("close"), "close the daemon closed the connection");
}

}  // namespace
}  // namespace replayd::net
