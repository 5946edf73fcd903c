#pragma once
// RequestRecord to and from the rows of table `request`.

#include <cstdint>
#include <string>

#include "replay/base/error.hpp"
#include "replay/sim/records.hpp"
#include "storage/connection.hpp"

namespace replayd::storage {

/// "gateway_queue_ns, routing_ns, …": the ledger columns of `request` and `window`, in order.
[[nodiscard]] std::string ledger_columns();
/// "blame_step_in_flight_ns, …": likewise what waiting was for.
[[nodiscard]] std::string blame_columns();

/// Columns that `read_request` expects, qualified with "request.", without run_id.
[[nodiscard]] std::string request_columns();

/// The record in a row whose columns from `first` on are `request_columns()`.
[[nodiscard]] RequestRecord read_request(const Statement& row, int first);

/// The prepared INSERT of request rows.
class RequestInserter {
public:
    [[nodiscard]] static Result<RequestInserter> prepare(Connection& connection);

    /// Adds the row unless (run, sequence) is there already. True if it was added.
    [[nodiscard]] Result<bool> add(std::int64_t run_id, const RequestRecord& record);

private:
    RequestInserter(Connection& connection, Statement insert)
        : connection_(&connection), insert_(std::move(insert)) {}

    Connection* connection_;
    Statement insert_;
};

}  // namespace replayd::storage
