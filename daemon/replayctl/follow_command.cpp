#include "daemon/replayctl/follow_command.hpp"

#include <csignal>

namespace replayd::ctl {
namespace {

/// The signal handler can reach nothing else.
volatile std::sig_atomic_t told_to_stop = 0;

void on_signal(int /*number*/) {
    told_to_stop = 1;
}

}  // namespace

Result<ExitStatus> follow_files(StreamOptions options) {
    files::FollowOptions& files = *options.trace.follow;
    if (options.end && !files.once) {
        return fail(Code::invalid_argument,
                    "--end is given without --once: expected both, since files that grow have no end");
    }
    if (options.wait && !options.end) {
        return fail(Code::invalid_argument,
                    "--wait is given without --end: expected both, since runs finish only after the end of the stream");
    }
    files.stop = [] { return told_to_stop != 0; };
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
    return stream_trace(options);
}

}  // namespace replayd::ctl
