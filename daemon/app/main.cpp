// replayd: reads the command line and serves; service.hpp says until when.

#include <cstdio>
#include <string>
#include <utility>

#include "daemon/app/service.hpp"
#include "daemon/config/log.hpp"
#include "daemon/config/usage.hpp"
#include "daemon/protocol/wire_log.hpp"
#include "daemon/replayctl/exit_status.hpp"

namespace {

int report(const replayd::Error& error) {
    if (replayd::config::under_journal()) {
        replayd::config::log(replayd::config::LogLevel::error, "start_failed", {{"error", error.message}});
    } else {
        std::fprintf(stderr, "replayd: %s\n", replayd::config::one_line(error.message).c_str());
    }
    return static_cast<int>(replayd::ctl::status_of(error.code));
}

}  // namespace

int main(int argc, char** argv) {
    replayd::config::start_log(replayd::config::LogLevel::info);
    replayd::protocol::route_wire_log();
    auto line = replayd::config::parse_command_line(argc, argv);
    if (!line) return report(line.error());
    if (!line->print.empty()) {
        std::fputs(line->print.c_str(), stdout);
        return 0;
    }
    replayd::config::set_log_level(line->config.log_level);
    const auto reread = [argc, argv]() -> replayd::Result<replayd::config::DaemonConfig> {
        auto again = replayd::config::parse_command_line(argc, argv);
        if (!again) return tl::unexpected(again.error());
        return std::move(again->config);
    };
    const auto served = replayd::app::serve(line->config, reread);
    return served ? 0 : report(served.error());
}
