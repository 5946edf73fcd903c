#pragma once
// What a command says: results to standard output, everything else to standard error.

#include <string_view>

#include "replay/base/error.hpp"

namespace replayd::ctl {

/// Writes `text` to standard output. Error `io` when it cannot take it (full disk).
[[nodiscard]] Result<void> print(std::string_view text);

/// One line "note: …" on standard error, for what a person should know and no script needs.
void note(std::string_view text);

/// The one line that tells an error: "replayctl: …", or {"code":…,"message":…}. Line breaks become spaces.
void print_error(const Error& error, bool json);

}  // namespace replayd::ctl
