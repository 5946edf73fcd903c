#pragma once
// Copies a history, and the spans that wait beside it, while a daemon writes to them.

#include <cstdint>
#include <functional>
#include <string>

#include "replay/base/error.hpp"

namespace replayd::storage {

struct BackupProgress {
    std::int64_t pages_left = 0;
    std::int64_t pages = 0;
};

struct BackedUp {
    std::int64_t pages = 0;  ///< of all files
    std::string spans;       ///< the file of spans that wait; empty: there are none beside the history
};

/// Copies the history at `from` to the new file `to`, which appears whole or not at all: the state of `from` when it
/// was called, in one file. Spans that wait beside it go first, to the file beside `to`: each is in one of the copies,
/// or in both, which the next start puts right. A daemon goes on meanwhile; its write-ahead log grows until the copy is
/// done. `told` hears of the history's pages. Errors: `not_found` (no such history), `already_exists` (`to`, or the
/// file beside it), `io`, `unavailable` (disk full), `failed_state` (made by a newer replayd), `invalid_argument`
/// (other things beside the history).
[[nodiscard]] Result<BackedUp> back_up(const std::string& from, const std::string& to,
                                       const std::function<void(const BackupProgress&)>& told);

}  // namespace replayd::storage
