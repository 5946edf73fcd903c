// replayd: reads the command line, starts the daemon, waits for a signal, drains.

#include <signal.h>
#include <systemd/sd-daemon.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "daemon/app/app.hpp"
#include "daemon/config/log.hpp"
#include "daemon/config/version.hpp"

namespace {

using replayd::config::log;
using replayd::config::LogLevel;

/// Exit codes: 2 for a wrong command line or configuration, 1 for everything else.
int report(const replayd::Error& error) {
    std::fprintf(stderr, "replayd: %s\n", error.message.c_str());
    return error.code == replayd::Code::invalid_argument ? 2 : 1;
}

/// The signals that end the daemon, blocked in every thread so that only `sigwait` takes them.
sigset_t block_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signal(SIGPIPE, SIG_IGN);
    return set;
}

/// The socket that systemd listens on for us, or -1.
int activated_socket() {
    return sd_listen_fds(1) >= 1 ? SD_LISTEN_FDS_START : -1;
}

int serve(const replayd::config::DaemonConfig& config) {
    sigset_t signals = block_signals();
    auto app = replayd::app::App::start(config, activated_socket());
    if (!app) return report(app.error());
    const std::string address = config.listen_address + ":" + std::to_string((*app)->port());
    log(LogLevel::info, "ready",
        {{"version", replayd::config::k_version}, {"address", address}, {"history", config.history_path}});
    sd_notifyf(0, "READY=1\nSTATUS=listening on %s", address.c_str());

    int number = 0;
    sigwait(&signals, &number);
    log(LogLevel::info, "draining", {{"signal", static_cast<std::int64_t>(number)}});
    sd_notify(0, "STOPPING=1\nSTATUS=draining");
    std::thread([signals] {
        int second = 0;
        sigwait(&signals, &second);
        std::_Exit(1);
    }).detach();
    (*app)->stop();
    log(LogLevel::info, "stopped");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    auto line = replayd::config::parse_command_line(argc, argv);
    if (!line) return report(line.error());
    if (!line->print.empty()) {
        std::fputs(line->print.c_str(), stdout);
        return 0;
    }
    replayd::config::start_log(line->config.log_level);
    return serve(line->config);
}
