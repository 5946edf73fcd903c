#pragma once
// ResidualWindow to and from the rows of table `residual_window`, one per metric that was observed.

#include <cstdint>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/sim/residuals.hpp"
#include "storage/connection.hpp"

namespace replayd::storage {

/// The prepared INSERT.
class ResidualInserter {
public:
    [[nodiscard]] static Result<ResidualInserter> prepare(Connection& connection);

    /// Adds the rows that are not there already. True if any was added.
    [[nodiscard]] Result<bool> add(std::int64_t run_id, const ResidualWindow& window);

private:
    ResidualInserter(Connection& connection, Statement insert) : connection_(&connection), insert_(std::move(insert)) {}

    Connection* connection_;
    Statement insert_;
};

/// As Reader::residuals. Errors: `io`, or `internal` with a damaged histogram.
[[nodiscard]] Result<std::vector<ResidualWindow>> read_residuals(Connection& connection, std::int64_t run_id,
                                                                 VirtualTime from, std::size_t limit);

}  // namespace replayd::storage
