#pragma once
// The real daemon in a process of its own, started and killed many times on the same history.

#include <sys/types.h>

#include <string>
#include <vector>

#include "daemon/net/client.hpp"

namespace replayd::trust {

class DaemonProcess {
public:
    /// `folder` holds the history, the port file and the daemon's log.
    explicit DaemonProcess(std::string folder, std::vector<std::string> flags = {});
    ~DaemonProcess();
    DaemonProcess(const DaemonProcess&) = delete;
    DaemonProcess& operator=(const DaemonProcess&) = delete;

    /// Starts it, with further variables ("NAME=VALUE") in its environment, and waits until it listens. False, with
    /// what it said on standard error, when it ended instead.
    [[nodiscard]] bool start(const std::vector<std::string>& environment);
    /// Sends the signal and waits for the end; the exit status, or 128 + the signal that ended it.
    int end(int signal_number);
    [[nodiscard]] net::Endpoint endpoint() const { return {"127.0.0.1", port_}; }
    [[nodiscard]] std::string history() const { return folder_ + "/history.db"; }
    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    [[noreturn]] void become(const std::string& port_file, const std::vector<std::string>& environment) const;

    const std::string folder_;
    const std::vector<std::string> flags_;
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

}  // namespace replayd::trust
