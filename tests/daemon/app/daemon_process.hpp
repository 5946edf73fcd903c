#pragma once
// The real program in a process of its own, with this test in systemd's place.

#include <string>
#include <sys/types.h>
#include <vector>

#include "harness.hpp"

namespace replayd::test {

/// The socket that READY=1, STATUS=… and the rest come to.
class NotifySocket {
public:
    explicit NotifySocket(const std::string& path);
    ~NotifySocket();
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;

    /// The next message; empty when none comes.
    [[nodiscard]] std::string receive() const;

private:
    int fd_;
};

/// How a daemon is started.
struct Launch {
    std::vector<std::string> flags = {"--listen", "127.0.0.1:0"};
    std::vector<std::pair<std::string, std::string>> environment;
    int listening_fd = -1;  ///< passed as systemd passes sockets
    std::string log;        ///< file that receives standard error; empty: that of the test
};

/// build/<preset>/replayd on a history in a folder that outlives the process.
class DaemonProcess final : public DaemonClient {
public:
    explicit DaemonProcess(const std::string& folder, const Launch& launch = {});
    ~DaemonProcess() override;

    [[nodiscard]] net::Endpoint endpoint() const override { return {"127.0.0.1", port_}; }
    [[nodiscard]] pid_t pid() const { return pid_; }
    /// The first message; empty when the process ended instead.
    [[nodiscard]] const std::string& ready() const { return ready_; }
    [[nodiscard]] std::string next_notification() const { return notify_.receive(); }
    /// Receives until a message starts with `prefix`; fails the test when none comes.
    std::string wait_notification(const std::string& prefix) const;

    void signal(int number) const;
    /// Waits for the end; the status of waitpid.
    int wait();
    /// Sends the signal and waits for the end.
    int end(int signal_number);

private:
    [[noreturn]] void run(const std::string& port_file, const Launch& launch) const;

    const std::string folder_;
    NotifySocket notify_;
    std::string ready_;
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

/// A listening TCP socket on a free loopback port.
[[nodiscard]] int listening_socket(std::uint16_t& port);

}  // namespace replayd::test
