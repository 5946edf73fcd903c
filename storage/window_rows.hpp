#pragma once
// WindowRecord to and from the rows of tables `window`, `pool_window` and `replica_window`.

#include <cstdint>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/sim/records.hpp"
#include "storage/connection.hpp"

namespace replayd::storage {

/// The prepared INSERTs of a window, its pools and the replicas that changed.
class WindowInserter {
public:
    [[nodiscard]] static Result<WindowInserter> prepare(Connection& connection);

    /// Adds the window unless (run, start) is there already. True if it was added.
    [[nodiscard]] Result<bool> add(std::int64_t run_id, const WindowRecord& window);

private:
    WindowInserter(Connection& connection, Statement window, Statement pool, Statement replica)
        : connection_(&connection), window_(std::move(window)), pool_(std::move(pool)), replica_(std::move(replica)) {}

    [[nodiscard]] Result<void> add_pools(std::int64_t run_id, const WindowRecord& window);
    [[nodiscard]] Result<void> add_replicas(std::int64_t run_id, const WindowRecord& window);

    Connection* connection_;
    Statement window_;
    Statement pool_;
    Statement replica_;
};

/// Windows of the run that start at `from` or later, in time order; more than `limit` (>= 1) of them are merged
/// evenly into at most `limit`. Memory: O(limit). Errors: `io`, or `internal` with a damaged histogram.
[[nodiscard]] Result<std::vector<WindowRecord>> read_windows(Connection& connection, std::int64_t run_id,
                                                             VirtualTime from, std::size_t limit);

}  // namespace replayd::storage
