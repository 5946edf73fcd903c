#pragma once
// Is a history sound: SQLite's own checks of the file, and what the rows of a history owe each other.

#include <cstdint>
#include <string>
#include <vector>

#include "replay/base/error.hpp"
#include "storage/connection.hpp"

namespace replayd::storage {

/// Refuses a file that `PRAGMA quick_check` finds damaged, saying how to mend it. Error `io`. Reads the whole file.
[[nodiscard]] Result<void> refuse_damaged(Connection& connection);

/// One rule and how it fared.
struct CheckLine {
    std::string rule;
    std::int64_t checked = 0;  ///< rows (or files) that it was tried on
    std::int64_t broken = 0;
    std::string first;  ///< the first of the broken ones, or empty
};

/// Tries every rule on the file, and on the spans that wait beside it; both are only read. `full`: SQLite's
/// integrity_check, which also compares indexes with their tables, instead of quick_check. Errors as Reader::open.
[[nodiscard]] Result<std::vector<CheckLine>> check_history(const std::string& path, bool full);

}  // namespace replayd::storage
