#pragma once
// Loopback ports for tests that must know a port before somebody listens on it, or after.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace replayd {

/// Where the search begins and how far it goes: below the 32768 from which Linux serves outgoing connections, since a
/// client that tries such a port while nobody listens can connect to itself.
inline constexpr int k_first_free_port = 20'000;
inline constexpr int k_free_ports = 10'000;

/// A loopback port that is this process's until it ends: it is bound, so no other test takes it, yet nobody listens, so
/// connections are refused. Whoever sets SO_REUSEADDR, as servers do, may listen on it, also again and again. Throws
/// when there is none.
inline std::uint16_t free_port() {
    static int next = getpid() * 16;  // tests that run at the same time start at different ports
    for (int tried = 0; tried < k_free_ports; ++tried) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(k_first_free_port + next++ % k_free_ports));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
            // Only now: two sockets that both set it before would share the port.
            const int on = 1;
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
            return ntohs(address.sin_port);
        }
        close(fd);
    }
    throw std::runtime_error("no free port from " + std::to_string(k_first_free_port) + " on");
}

}  // namespace replayd
