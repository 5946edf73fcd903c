#pragma once
// What the connections of one server share. Everything here is touched on the io thread only, except for the
// counters, which any thread may read.

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/net/http.hpp"
#include "daemon/net/server.hpp"

namespace replayd::net::impl {

/// "127.0.0.1" of "127.0.0.1:5123".
[[nodiscard]] std::string address_of(const std::string& peer);

/// One open connection, as the server sees it when it stops.
class Connection {
public:
    virtual ~Connection() = default;
    /// Ends in good order: what runs is finished, nothing new begins.
    virtual void shut_down() = 0;
    /// Closes the socket now.
    virtual void abort() = 0;
};

/// A websocket path and how many connections it has.
struct Route {
    explicit Route(WebSocketRoute r) : route(std::move(r)) {}

    WebSocketRoute route;
    std::atomic<std::size_t> open{0};
};

class ServerState {
public:
    ServerState(ServerOptions server_options, HttpHandler http_handler,
                std::map<std::string, WebSocketRoute> websockets);

    const ServerOptions options;
    const HttpHandler http;
    std::map<std::string, Route, std::less<>> routes;
    std::atomic<std::size_t> http_open{0};
    std::atomic<std::size_t> connections_per_client_max;

    [[nodiscard]] bool stopping() const { return stopping_; }
    [[nodiscard]] std::size_t connections() const { return connections_.size(); }
    /// Open connections of one address.
    [[nodiscard]] std::size_t connections_of(const std::string& address) const;

    /// `peer` is "address:port".
    void add(const std::shared_ptr<Connection>& connection, const std::string& peer);
    /// The connection is over; the last one to leave a stopping server calls `done`.
    void remove(const Connection& connection);
    /// Asks every connection to end, now or as it appears; `done` is called once when none is left.
    void shut_down(std::function<void()> done);
    void abort();

private:
    void call_done_when_empty();
    /// The connections alive now: asking one to end may remove it.
    [[nodiscard]] std::vector<std::shared_ptr<Connection>> alive() const;

    struct Entry {
        std::weak_ptr<Connection> connection;
        std::string address;
    };
    std::unordered_map<const Connection*, Entry> connections_;
    std::map<std::string, std::size_t, std::less<>> by_address_;
    std::function<void()> done_;
    bool stopping_ = false;
};

}  // namespace replayd::net::impl
