#include "daemon/app/service_manager.hpp"

#include <sys/socket.h>
#include <systemd/sd-daemon.h>

namespace replayd::app {

Result<int> passed_socket() {
    const int count = sd_listen_fds(1);
    if (count <= 0) return -1;
    if (count > 1) {
        return fail(Code::invalid_argument, "systemd passes " + std::to_string(count) +
                                                " sockets: expected one ListenStream= in the socket unit");
    }
    if (sd_is_socket_inet(SD_LISTEN_FDS_START, AF_UNSPEC, SOCK_STREAM, 1, 0) <= 0) {
        return fail(Code::invalid_argument,
                    "the socket that systemd passes does not listen on TCP: expected ListenStream=ADDRESS:PORT");
    }
    return SD_LISTEN_FDS_START;
}

std::optional<std::chrono::microseconds> watchdog_time() {
    std::uint64_t microseconds = 0;
    if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
    return std::chrono::microseconds(microseconds);
}

void tell_ready(const std::string& status) { sd_notifyf(0, "READY=1\nSTATUS=%s", status.c_str()); }
void tell_reloading() { sd_notify(0, "RELOADING=1\nSTATUS=reading the configuration"); }
void tell_stopping() { sd_notify(0, "STOPPING=1\nSTATUS=draining"); }
void tell_status(const std::string& status) { sd_notifyf(0, "STATUS=%s", status.c_str()); }
void ping_watchdog() { sd_notify(0, "WATCHDOG=1"); }

}  // namespace replayd::app
