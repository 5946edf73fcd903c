#pragma once
// Retention: takes old streams out of a history, in small steps, while a daemon writes to it.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "replay/base/error.hpp"

namespace replayd::storage {

/// What may stay. Only streams that are over (ended, and every run finished or failed) ever go, oldest first, each with
/// its log, its runs and their rows.
struct Retention {
    std::int64_t created_before_ms = 0;  ///< those created earlier go; 0: none for their age
    std::int64_t bytes_max = 0;          ///< oldest go until the rows of the rest fit; 0: no limit
    std::string stream;                  ///< this one goes; empty: none by name
};

struct Pruned {
    std::vector<std::string> streams;  ///< that went, oldest first
    std::int64_t rows = 0;
    std::int64_t bytes_before = 0;  ///< used pages; the file keeps its size, free pages are used again
    std::int64_t bytes_after = 0;
};

/// Rows that one transaction deletes at most: some 5 ms, after which the daemon's commits have their turn.
inline constexpr std::int64_t k_prune_step_rows = 1'000;

/// Error `not_found` or `failed_state` for a stream by name that is not there, or not over; those of opening the file.
/// Stopped at any instant, it leaves a sound file, and goes on when it is called again: a stream goes last.
[[nodiscard]] Result<Pruned> prune(const std::string& path, const Retention& retention);

}  // namespace replayd::storage
