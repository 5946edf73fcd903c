#include "daemon/app/service.hpp"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "daemon/app/app.hpp"
#include "daemon/app/service_manager.hpp"
#include "daemon/app/watchdog.hpp"
#include "daemon/config/log.hpp"
#include "daemon/config/version.hpp"

namespace replayd::app {
namespace {

using config::log;
using config::LogLevel;

/// How often the status line is looked at.
constexpr std::chrono::microseconds k_status_every = std::chrono::seconds(5);
/// Looks at every part within the time after which systemd takes the daemon for stuck: one late answer is no death.
constexpr int k_checks_per_watchdog_time = 4;

/// The signals that `wait_for_signal` takes, blocked in every thread.
sigset_t block_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signal(SIGPIPE, SIG_IGN);
    return set;
}

/// The number of the signal, or 0 when none came in time.
int wait_for_signal(const sigset_t& set, std::chrono::microseconds time) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
    const timespec timeout{seconds.count(), std::chrono::nanoseconds(time - seconds).count()};
    return std::max(0, sigtimedwait(&set, nullptr, &timeout));
}

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

/// What is done between signals: watchdog and status line.
class Rounds {
public:
    explicit Rounds(App& app) : app_(app), watchdog_(app.vital_parts()) {
        if (const auto time = watchdog_time()) {
            watched_ = true;
            period_ = std::min(period_, *time / k_checks_per_watchdog_time);
        }
    }

    [[nodiscard]] std::chrono::microseconds period() const { return period_; }

    void go_round() {
        const std::string silent = joined(watchdog_.check());
        if (silent.empty() && watched_) ping_watchdog();
        if (silent != silent_) {
            silent_ = silent;
            if (silent.empty()) {
                log(LogLevel::info, "alive_again");
            } else {
                log(LogLevel::error, "no_sign_of_life", {{"parts", silent}});
            }
        }
        tell(silent.empty() ? app_.status() : "no sign of life from: " + silent);
    }

    /// After READY=1, which brings a status of its own.
    void told(std::string status) { status_ = std::move(status); }

private:
    void tell(const std::string& status) {
        if (status == status_) return;
        status_ = status;
        tell_status(status);
    }

    App& app_;
    Watchdog watchdog_;
    bool watched_ = false;
    std::chrono::microseconds period_ = k_status_every;
    std::string silent_;
    std::string status_;
};

void reload(App& app, const std::function<Result<config::DaemonConfig>()>& reread) {
    tell_reloading();
    auto done = reread().and_then([&app](const config::DaemonConfig& fresh) { return app.reload(fresh); });
    if (!done) log(LogLevel::error, "reload_failed", {{"error", done.error().message}});
}

/// Ends the process when the drain takes too long, or someone asks twice, unless what it returns has become true. The
/// thread stays behind in its wait then; what interrupts that (a debugger) is no signal to end.
std::shared_ptr<std::atomic<bool>> limit_drain(const sigset_t& signals, std::chrono::seconds most) {
    auto drained = std::make_shared<std::atomic<bool>>(false);
    std::thread([signals, most, drained] {
        const auto end = std::chrono::steady_clock::now() + most;
        int number = 0;
        while (number != SIGTERM && number != SIGINT) {
            const auto left = end - std::chrono::steady_clock::now();
            if (left <= left.zero()) break;
            number = wait_for_signal(signals, std::chrono::duration_cast<std::chrono::microseconds>(left) +
                                                  std::chrono::microseconds(1));
            if (drained->load()) return;
        }
        const bool asked = number == SIGTERM || number == SIGINT;
        log(LogLevel::error, "drain_cut_short",
            {{"reason", asked ? "a second signal" : "service.drain_max_s have passed"}});
        std::_Exit(1);
    }).detach();
    return drained;
}

}  // namespace

Result<void> serve(const config::DaemonConfig& config, const std::function<Result<config::DaemonConfig>()>& reread) {
    const sigset_t signals = block_signals();
    auto socket = passed_socket();
    if (!socket) return tl::unexpected(socket.error());
    auto started = App::start(config, *socket);
    if (!started) return tl::unexpected(started.error());
    App& app = **started;
    log(LogLevel::info, "ready",
        {{"version", config::k_version}, {"address", app.address()}, {"history", config.history_path}});
    Rounds rounds(app);
    const auto ready = [&] {
        const std::string status = app.status();
        rounds.told(status);
        tell_ready(status);
    };
    ready();

    int number = 0;
    while (number != SIGTERM && number != SIGINT) {
        number = wait_for_signal(signals, rounds.period());
        if (number == SIGHUP) {
            reload(app, reread);
            ready();
        } else if (number == 0) {
            rounds.go_round();
        }
    }
    log(LogLevel::info, "draining", {{"signal", static_cast<std::int64_t>(number)}});
    tell_stopping();
    const auto drained = limit_drain(signals, app.drain_max());
    app.stop();
    drained->store(true);
    log(LogLevel::info, "stopped");
    return {};
}

}  // namespace replayd::app
