#include "tests/daemon/net/running_server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <future>

namespace replayd::net::testing {
namespace {

constexpr std::chrono::seconds k_patience{120};

}  // namespace

void Journal::note(std::string event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
    changed_.notify_all();
}

std::vector<std::string> Journal::matching(const std::string& prefix) const {
    std::vector<std::string> found;
    std::copy_if(events_.begin(), events_.end(), std::back_inserter(found),
                 [&](const std::string& event) { return event.starts_with(prefix); });
    return found;
}

std::string Journal::wait_for(const std::string& prefix, std::size_t count) {
    std::unique_lock lock(mutex_);
    const bool came = changed_.wait_for(lock, k_patience, [&] { return matching(prefix).size() >= count; });
    EXPECT_TRUE(came) << "waited in vain for " << count << " × " << prefix;
    return came ? matching(prefix).at(count - 1) : "";
}

std::size_t Journal::count(const std::string& prefix) {
    const std::lock_guard lock(mutex_);
    return matching(prefix).size();
}

void ScriptedSession::on_open(std::shared_ptr<WebSocket> socket) {
    socket_ = std::move(socket);
    journal_.note("open " + socket_->peer());
}

void ScriptedSession::on_close(std::string_view reason) { journal_.note("close " + std::string(reason)); }

void echo(WebSocket& socket, std::string_view message, bool binary) { socket.send(std::string(message), binary); }

RunningServer::RunningServer(ServerOptions options, HttpHandler http, ScriptedSession::Script script)
    : work_(io_.get_executor()) {
    options.port = 0;
    std::map<std::string, WebSocketRoute> routes;
    routes["/echo"] = {"echo.v1", [this, script = std::move(script)](const HttpRequest&) {
                           return std::make_unique<ScriptedSession>(journal, script);
                       }};
    auto listening = Server::listen(io_, std::move(options), std::move(http), std::move(routes));
    EXPECT_TRUE(listening) << listening.error().message;
    server_ = std::move(*listening);
    thread_ = std::thread([this] { io_.run(); });
}

RunningServer::~RunningServer() {
    if (!stopped_) stop();
    server_.reset();
    work_.reset();
    thread_.join();
}

void RunningServer::greet(HttpRequest&& request, std::function<void(HttpResponse&&)> respond) {
    HttpResponse response;
    response.content_type = "text/plain";
    response.body = request.method + " " + request.path + " " + request.body;
    respond(std::move(response));
}

std::unique_ptr<WebSocketClient> RunningServer::open() {
    auto client = WebSocketClient::connect(endpoint(), "/echo", "echo.v1");
    EXPECT_TRUE(client) << client.error().message;
    return client ? std::move(*client) : nullptr;
}

void RunningServer::stop() {
    std::promise<void> done;
    server_->stop([&done] { done.set_value(); });
    EXPECT_EQ(done.get_future().wait_for(k_patience), std::future_status::ready);
    stopped_ = true;
}

RawSocket::RawSocket(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const timeval patience{k_patience.count(), 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

RawSocket::~RawSocket() { ::close(fd_); }

void RawSocket::send(const std::string& bytes) {
    EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
}

std::string RawSocket::read_to_end() { return read_until(""); }

std::string RawSocket::read_until(const std::string& end) {
    std::string all;
    char chunk[4096];
    while (end.empty() || all.find(end) == std::string::npos) {
        const ssize_t got = ::recv(fd_, chunk, sizeof chunk, 0);
        EXPECT_GE(got, 0) << "no end after " << k_patience.count() << " s; so far: " << all;
        if (got <= 0) break;
        all.append(chunk, static_cast<std::size_t>(got));
    }
    return all;
}

std::string detail(const std::string& answer) {
    const std::string key = "\"detail\":\"";
    const std::size_t start = answer.find(key);
    if (start == std::string::npos) return "no detail in: " + answer;
    std::string text;
    for (std::size_t i = start + key.size(); i < answer.size() && answer[i] != '"'; ++i) {
        if (answer[i] == '\\') ++i;
        text += answer[i];
    }
    return text;
}

}  // namespace replayd::net::testing
