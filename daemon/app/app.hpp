#pragma once
// The composition root: builds everything in the order library → history → engine → NATS → streams → listener, and
// takes it down in reverse. Blocking calls of one thread, the one that owns it.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/app/watchdog.hpp"
#include "daemon/config/config.hpp"
#include "replay/base/error.hpp"

namespace replayd::app {

class App {
public:
    /// Starts the daemon: the history is migrated, streams are rebuilt and run, the listener answers, the port file
    /// is written. `listen_fd` >= 0: an already listening socket. Errors name what is wrong and where.
    [[nodiscard]] static Result<std::unique_ptr<App>> start(const config::DaemonConfig& config, int listen_fd = -1);
    /// As `stop`.
    ~App();
    App(const App&) = delete;
    App& operator=(const App&) = delete;

    [[nodiscard]] std::uint16_t port() const;
    /// "127.0.0.1:8080", as it is listened on.
    [[nodiscard]] std::string address() const;
    /// One line for people: what is listened on and what is going on.
    [[nodiscard]] std::string status() const;
    /// The io loop, the writer and the engines; valid until `stop`.
    [[nodiscard]] std::vector<VitalPart> vital_parts();
    /// Takes over what may change while running: tokens, origins, limits (but for connections_max), retention, log
    /// level, scenario files and folders, the time of a drain. Every other key that differs is named in the log. Error:
    /// a secret or a scenario is wrong; then nothing has changed.
    [[nodiscard]] Result<void> reload(const config::DaemonConfig& fresh);
    /// Time that a drain may take.
    [[nodiscard]] std::chrono::seconds drain_max() const;
    /// Drains: /readyz says 503, connections are closed with 1001, runs stop after their slice (they are rebuilt by
    /// the next start), queued rows are committed. Returns when all is done; a second call does nothing.
    void stop();

private:
    struct Parts;
    explicit App(std::unique_ptr<Parts> parts);

    std::unique_ptr<Parts> parts_;
};

}  // namespace replayd::app
