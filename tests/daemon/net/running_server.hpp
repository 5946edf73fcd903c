#pragma once
// A real server on a free loopback port with its io thread, and a raw socket for bytes that no client would send.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "daemon/net/client.hpp"
#include "daemon/net/server.hpp"

namespace replayd::net::testing {

/// What the sessions of one server lived through, to be waited for.
class Journal {
public:
    void note(std::string event);
    /// Waits until `count` events start with `prefix`, at most 120 s; the last of them, or a failed test.
    std::string wait_for(const std::string& prefix, std::size_t count = 1);
    [[nodiscard]] std::size_t count(const std::string& prefix);

private:
    [[nodiscard]] std::vector<std::string> matching(const std::string& prefix) const;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> events_;
};

/// Calls `on_message(socket, text, binary)` for every message; notes "open", "close REASON".
class ScriptedSession final : public WebSocketSession {
public:
    using Script = std::function<void(WebSocket&, std::string_view, bool)>;

    ScriptedSession(Journal& journal, Script script) : journal_(journal), script_(std::move(script)) {}
    void on_open(std::shared_ptr<WebSocket> socket) override;
    void on_message(std::string_view message, bool binary) override { script_(*socket_, message, binary); }
    void on_close(std::string_view reason) override;

private:
    Journal& journal_;
    Script script_;
    std::shared_ptr<WebSocket> socket_;
};

/// Sends every message back.
void echo(WebSocket& socket, std::string_view message, bool binary);

class RunningServer {
public:
    /// Listens with a websocket at /echo (subprotocol "echo.v1") that runs `script`.
    explicit RunningServer(ServerOptions options = {}, HttpHandler http = greet, ScriptedSession::Script script = echo);
    /// Stops the server and its thread.
    ~RunningServer();

    RunningServer(const RunningServer&) = delete;
    RunningServer& operator=(const RunningServer&) = delete;

    /// Answers "METHOD PATH BODY" as text.
    static void greet(HttpRequest&& request, std::function<void(HttpResponse&&)> respond);

    [[nodiscard]] Server& server() { return *server_; }
    [[nodiscard]] Endpoint endpoint() const { return {"127.0.0.1", server_->port()}; }
    [[nodiscard]] std::unique_ptr<WebSocketClient> open();
    /// Stops the server and waits until it is done.
    void stop();

    Journal journal;

private:
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::unique_ptr<Server> server_;
    std::thread thread_;
    bool stopped_ = false;
};

/// Plain TCP to the server.
class RawSocket {
public:
    explicit RawSocket(std::uint16_t port);
    ~RawSocket();
    RawSocket(const RawSocket&) = delete;
    RawSocket& operator=(const RawSocket&) = delete;

    void send(const std::string& bytes);
    /// Everything until the server closes.
    std::string read_to_end();
    /// Bytes until they contain `end`.
    std::string read_until(const std::string& end);

private:
    int fd_;
};

/// The "detail" of a problem answer, read from raw bytes or a body.
[[nodiscard]] std::string detail(const std::string& answer);

}  // namespace replayd::net::testing
