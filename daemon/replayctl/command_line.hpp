#pragma once
// Options of replayctl. CLI11 lives behind this header.

#include <functional>
#include <string>

#include "daemon/replayctl/exit_status.hpp"
#include "replay/base/error.hpp"

namespace replayd::ctl {

/// What the command line asked for.
struct Command {
    std::function<Result<ExitStatus>()> run;  ///< empty: only print
    std::string print;                        ///< help or version
};

/// Whether --json is among the arguments, even if they are wrong otherwise: errors are told as JSON then.
[[nodiscard]] bool wants_json(int argc, const char* const* argv);

/// Error `invalid_argument` for an unknown command or option, a wrong value, a missing argument.
[[nodiscard]] Result<Command> parse_command_line(int argc, const char* const* argv);

}  // namespace replayd::ctl
