#include "daemon/net/server_state.hpp"

#include <utility>

namespace replayd::net::impl {

ServerState::ServerState(ServerOptions server_options, HttpHandler http_handler,
                         std::map<std::string, WebSocketRoute> websockets)
    : options(std::move(server_options)), http(std::move(http_handler)) {
    for (auto& [path, route] : websockets) routes.try_emplace(path, std::move(route));
}

void ServerState::add(const std::shared_ptr<Connection>& connection) {
    connections_.emplace(connection.get(), connection);
}

void ServerState::remove(const Connection& connection) {
    if (connections_.erase(&connection) > 0) call_done_when_empty();
}

void ServerState::shut_down(std::function<void()> done) {
    stopping_ = true;
    done_ = std::move(done);
    for (const auto& connection : alive()) connection->shut_down();
    call_done_when_empty();
}

void ServerState::abort() {
    stopping_ = true;
    for (const auto& connection : alive()) connection->abort();
}

void ServerState::call_done_when_empty() {
    if (!stopping_ || !connections_.empty() || !done_) return;
    std::exchange(done_, nullptr)();
}

std::vector<std::shared_ptr<Connection>> ServerState::alive() const {
    std::vector<std::shared_ptr<Connection>> list;
    list.reserve(connections_.size());
    for (const auto& [address, connection] : connections_) {
        if (auto strong = connection.lock()) list.push_back(std::move(strong));
    }
    return list;
}

}  // namespace replayd::net::impl
