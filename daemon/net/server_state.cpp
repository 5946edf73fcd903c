#include "daemon/net/server_state.hpp"

#include <utility>

namespace replayd::net::impl {

std::string address_of(const std::string& peer) {
    return peer.substr(0, peer.rfind(':'));
}

ServerState::ServerState(ServerOptions server_options, HttpHandler http_handler,
                         std::map<std::string, WebSocketRoute> websockets)
    : options(std::move(server_options)),
      http(std::move(http_handler)),
      connections_per_client_max(options.connections_per_client_max) {
    for (auto& [path, route] : websockets) routes.try_emplace(path, std::move(route));
}

std::size_t ServerState::connections_of(const std::string& address) const {
    const auto found = by_address_.find(address);
    return found == by_address_.end() ? 0 : found->second;
}

void ServerState::add(const std::shared_ptr<Connection>& connection, const std::string& peer) {
    Entry entry{connection, address_of(peer)};
    ++by_address_[entry.address];
    connections_.emplace(connection.get(), std::move(entry));
}

void ServerState::remove(const Connection& connection) {
    const auto found = connections_.find(&connection);
    if (found == connections_.end()) return;
    const auto count = by_address_.find(found->second.address);
    if (--count->second == 0) by_address_.erase(count);
    connections_.erase(found);
    call_done_when_empty();
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
    for (const auto& [address, entry] : connections_) {
        if (auto strong = entry.connection.lock()) list.push_back(std::move(strong));
    }
    return list;
}

}  // namespace replayd::net::impl
