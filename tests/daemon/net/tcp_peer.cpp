#include "tests/daemon/net/tcp_peer.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace replayd::net::testing {

TcpPeer::TcpPeer(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    static_cast<void>(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address));
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

TcpPeer::~TcpPeer() {
    ::close(fd_);
}

bool TcpPeer::send(std::string_view bytes, std::size_t chop) {
    while (!bytes.empty()) {
        const std::size_t piece = chop == 0 ? bytes.size() : std::min(chop, bytes.size());
        const ssize_t sent = ::send(fd_, bytes.data(), piece, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

void TcpPeer::finish_sending() {
    ::shutdown(fd_, SHUT_WR);
}

Arrived TcpPeer::read(std::string& into, std::chrono::milliseconds patience) {
    pollfd waiting{fd_, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(patience.count())) == 0) return Arrived::nothing;
    char chunk[65536];
    const ssize_t got = ::recv(fd_, chunk, sizeof chunk, 0);
    if (got <= 0) return Arrived::end;
    into.append(chunk, static_cast<std::size_t>(got));
    return Arrived::bytes;
}

std::string TcpPeer::read_to_end(std::chrono::milliseconds patience, bool& closed) {
    std::string all;
    Arrived last = Arrived::bytes;
    while (last == Arrived::bytes) last = read(all, patience);
    closed = last == Arrived::end;
    return all;
}

}  // namespace replayd::net::testing
