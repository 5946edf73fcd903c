#pragma once
// The connection to the NATS servers. The library reconnects by itself, for ever; nothing of ours runs on its threads.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "daemon/config/config.hpp"
#include "replay/base/error.hpp"

struct __natsConnection;

namespace replayd::nats {

class Connection {
public:
    /// Connects with the TLS and credentials of the configuration. Errors: `invalid_argument` (a file of it),
    /// `unavailable` (no server answers, lets us in, or has JetStream), each naming the key that is to be mended.
    [[nodiscard]] static Result<std::unique_ptr<Connection>> open(const config::NatsConfig& config);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// For the .cpp files of this folder.
    [[nodiscard]] __natsConnection* handle() const;
    /// Largest message that the servers take, bytes.
    [[nodiscard]] std::int64_t payload_bytes_max() const;
    /// Why nobody is connected at the moment.
    [[nodiscard]] std::optional<Error> trouble() const;

private:
    struct State;
    explicit Connection(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace replayd::nats
