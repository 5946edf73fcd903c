#pragma once
// Copies a history while a daemon writes to it.

#include <cstdint>
#include <functional>
#include <string>

#include "replay/base/error.hpp"

namespace replayd::storage {

struct BackupProgress {
    std::int64_t pages_left = 0;
    std::int64_t pages = 0;
};

/// Copies the history at `from` to the new file `to`, which appears whole or not at all: the state of `from` when it
/// was called, in one file. A daemon goes on meanwhile; its write-ahead log grows until the copy is done. Errors:
/// `not_found` (no such history), `already_exists` (`to`), `io`, `unavailable` (disk full), `failed_state` (made by a
/// newer replayd).
[[nodiscard]] Result<BackupProgress> back_up(const std::string& from, const std::string& to,
                                             const std::function<void(const BackupProgress&)>& told);

}  // namespace replayd::storage
