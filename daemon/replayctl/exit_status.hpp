#pragma once
// What replayctl's exit status tells a script. `replayctl --help` documents the same.

#include <string_view>

#include "replay/base/error.hpp"

namespace replayd::ctl {

enum class ExitStatus : int {
    ok = 0,         ///< done
    failed = 1,     ///< the operation failed: daemon away, disk full, a run failed; trying again may help
    bad_input = 2,  ///< wrong usage, or an input that is wrong or does not exist; trying again cannot help
};

/// The status that `code` ends a command with.
[[nodiscard]] constexpr ExitStatus status_of(Code code) {
    switch (code) {
        case Code::invalid_argument:
        case Code::not_found:
        case Code::too_large: return ExitStatus::bad_input;
        case Code::already_exists:
        case Code::failed_state:
        case Code::unavailable:
        case Code::io:
        case Code::internal: break;
    }
    return ExitStatus::failed;
}

inline constexpr std::string_view k_exit_status_help =
    "Exit status: 0 done; 1 the operation failed (daemon away, disk full, a run failed);\n"
    "2 bad usage or bad input (an unknown option, a wrong value, a file or name that does not exist).\n"
    "An error is one line on standard error; with --json it is {\"code\":…,\"message\":…}.";

}  // namespace replayd::ctl
