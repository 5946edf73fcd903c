#pragma once
// WindowRecord to and from the rows of tables `window` and `pool_window`.

#include <cstdint>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/sim/records.hpp"
#include "storage/connection.hpp"

namespace replayd::storage {

/// The prepared INSERTs of a window and its pools.
class WindowInserter {
public:
    [[nodiscard]] static Result<WindowInserter> prepare(Connection& connection);

    /// Adds the window unless (run, start) is there already. True if it was added.
    [[nodiscard]] Result<bool> add(std::int64_t run_id, const WindowRecord& window);

private:
    WindowInserter(Connection& connection, Statement window, Statement pool)
        : connection_(&connection), window_(std::move(window)), pool_(std::move(pool)) {}

    Connection* connection_;
    Statement window_;
    Statement pool_;
};

/// Windows of the run that start at `from` or later, in time order; more than `limit` (>= 1) of them are merged
/// evenly into at most `limit`. Memory: O(limit). Errors: `io`, or `internal` with a damaged histogram.
[[nodiscard]] Result<std::vector<WindowRecord>> read_windows(Connection& connection, std::int64_t run_id,
                                                             VirtualTime from, std::size_t limit);

}  // namespace replayd::storage
