#pragma once
// `replayctl check`, `backup` and `prune`: the upkeep of a history file, also while a daemon writes to it.

#include <cstdint>
#include <string>

#include "daemon/replayctl/exit_status.hpp"
#include "daemon/replayctl/output_mode.hpp"

namespace replayd::ctl {

struct CheckOptions {
    std::string db;
    bool full = false;  ///< compare every index with its table
    OutputMode mode = OutputMode::table;
};
/// Tries every rule that the rows of a history keep and prints a line for each; `failed` when one is broken.
[[nodiscard]] Result<ExitStatus> check_history(const CheckOptions& options);

struct BackupOptions {
    std::string db;
    std::string to;
    OutputMode mode = OutputMode::table;
};
[[nodiscard]] Result<ExitStatus> back_up(const BackupOptions& options);

struct PruneOptions {
    std::string db;
    std::int64_t keep_days = 0;   ///< 0: no limit of age
    std::int64_t keep_bytes = 0;  ///< 0: no limit of size
    std::string stream;           ///< one to be taken out; empty: none by name
    OutputMode mode = OutputMode::table;
};
/// Error `invalid_argument` when nothing says what may go.
[[nodiscard]] Result<ExitStatus> prune(const PruneOptions& options);

}  // namespace replayd::ctl
