#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "daemon/net/connection.hpp"
#include "daemon/net/server_state.hpp"
#include "tests/fuzz/check.hpp"
#include "tests/fuzz/targets.hpp"

namespace replayd::fuzz {
namespace {

using boost::asio::ip::tcp;

/// Sends every message back, and closes when told so.
class Echo final : public net::WebSocketSession {
public:
    void on_open(std::shared_ptr<net::WebSocket> socket) override { socket_ = std::move(socket); }
    void on_message(std::string_view message, bool binary) override {
        if (message == "close") return socket_->close(4000, "as you wish");
        socket_->send(std::string(message), binary);
    }
    void on_close(std::string_view reason) override {
        REPLAYD_ASSERT(!reason.empty());
        socket_.reset();
    }

private:
    std::shared_ptr<net::WebSocket> socket_;
};

std::shared_ptr<net::impl::ServerState> make_state() {
    net::ServerOptions options;
    options.http_body_bytes_max = 4096;
    options.http_header_bytes_max = 2048;
    options.websocket_message_bytes_max = 65536;
    std::map<std::string, net::WebSocketRoute> routes;
    routes["/echo"] = {"echo.v1", [](const net::HttpRequest&) { return std::make_unique<Echo>(); }};
    return std::make_shared<net::impl::ServerState>(
        options,
        [](net::HttpRequest&& request, std::function<void(net::HttpResponse &&)> respond) {
            net::HttpResponse response;
            response.body = request.method + " " + request.path + " " + request.body;
            respond(std::move(response));
        },
        std::move(routes));
}

/// A connection of the daemon's server in this thread: its other end is a local socket.
class Connection {
public:
    Connection() : state_(make_state()) {
        std::array<int, 2> ends{};
        REPLAYD_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0);
        fd_ = ends[0];
        tcp::socket socket(io_);
        socket.assign(tcp::v4(), ends[1]);
        net::impl::serve_http(std::move(socket), state_);
        run();
    }

    ~Connection() {
        ::close(fd_);
        run();
        // The client is gone, and so is everything that the server kept for it.
        REPLAYD_ASSERT(state_->connections() == 0);
    }

    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0 && errno != EAGAIN) return;
            if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
            run();
        }
    }

    void finish_sending() {
        ::shutdown(fd_, SHUT_WR);
        run();
    }

    [[nodiscard]] const std::string& received() const { return received_; }

private:
    void run() {
        std::size_t read_before = 0;
        do {
            read_before = received_.size();
            io_.restart();
            io_.poll();
            read();
        } while (received_.size() != read_before);
    }

    void read() {
        std::array<char, 65536> chunk{};
        for (;;) {
            const ssize_t got = ::recv(fd_, chunk.data(), chunk.size(), 0);
            if (got <= 0) return;
            received_.append(chunk.data(), static_cast<std::size_t>(got));
        }
    }

    boost::asio::io_context io_{1};
    std::shared_ptr<net::impl::ServerState> state_;
    int fd_ = -1;
    std::string received_;
};

/// In two parts, the first of `first` bytes.
void send_cut(Connection& connection, std::string_view bytes, std::size_t first) {
    connection.send(bytes.substr(0, first));
    if (first < bytes.size()) connection.send(bytes.substr(first));
    connection.finish_sending();
}

constexpr std::string_view k_upgrade =
    "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: echo.v1\r\n";

/// Whole, unmasked frames with known types, as far as they came.
void check_frames(std::string_view bytes) {
    while (bytes.size() >= 2) {
        const auto byte = [&bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
        const unsigned opcode = byte(0) & 15U;
        REPLAYD_ASSERT(opcode <= 2 || (opcode >= 8 && opcode <= 10));
        REPLAYD_ASSERT((byte(0) & 0x30U) == 0 && (byte(1) & 0x80U) == 0);
        std::size_t size = byte(1) & 0x7fU;
        const std::size_t length_bytes = size == 126 ? 2 : size == 127 ? 8 : 0;
        if (bytes.size() < 2 + length_bytes) return;
        if (length_bytes > 0) size = 0;
        for (std::size_t i = 0; i < length_bytes; ++i) size = size << 8U | byte(2 + i);
        if (bytes.size() - 2 - length_bytes < size) return;
        bytes.remove_prefix(2 + length_bytes + size);
    }
}

}  // namespace

void http_request(std::string_view input) {
    const std::size_t first = take_byte(input);
    Connection connection;
    send_cut(connection, input, first);
    REPLAYD_ASSERT(connection.received().empty() || connection.received().starts_with("HTTP/1.1 "));
}

void websocket(std::string_view input) {
    const unsigned mode = take_byte(input);
    const std::size_t first = take_byte(input);
    Connection connection;
    std::string upgrade(k_upgrade);
    if (mode % 4 == 1) upgrade += "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    if (mode % 4 == 2) upgrade.append("Sec-WebSocket-Extensions: ").append(take_line(input)).append("\r\n");
    if (mode % 4 == 3) upgrade.append(take_line(input)).append("\r\n");
    connection.send(upgrade + "\r\n");
    const std::size_t answer = connection.received().find("\r\n\r\n");
    const bool open = connection.received().starts_with("HTTP/1.1 101 ");
    REPLAYD_ASSERT(open || mode % 4 >= 2);
    send_cut(connection, input, first);
    if (open) check_frames(std::string_view(connection.received()).substr(answer + 4));
}

}  // namespace replayd::fuzz
