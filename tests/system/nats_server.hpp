#pragma once
// A real nats-server with JetStream on a port of its own, whose store outlives it: it can be killed and started again.

#include <cstdint>
#include <memory>
#include <string>

#include "tests/system/process.hpp"

namespace replayd::testing {

class NatsServer {
public:
    /// Starts it. `settings`: further lines of its configuration (TLS, users).
    explicit NatsServer(const TemporaryDirectory& directory, const std::string& settings = "",
                        std::string address = "127.0.0.1");

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string url() const { return "nats://" + address_ + ":" + std::to_string(port_); }
    /// Returns once it takes connections.
    void start();
    void kill();
    /// Publishes as any program may, in the servers' own protocol.
    void publish(const std::string& subject, const std::string& payload) const;

    // While it is not running.
    /// Keeps what it has stored for `lose_what_came_since`.
    void keep_store();
    /// As a machine that loses power and had not synced its files since `keep_store`.
    void lose_what_came_since();

private:
    const TemporaryDirectory& directory_;
    const std::string address_;
    const std::uint16_t port_;
    std::unique_ptr<Process> process_;
    int starts_ = 0;
};

}  // namespace replayd::testing
