#pragma once
// Streams, scenarios, runs, pools and memory plans: the rows that are written seldom.

#include <cstdint>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"
#include "storage/connection.hpp"
#include "storage/history.hpp"

namespace replayd::storage {

/// "running", "finished", "failed" or "interrupted".
[[nodiscard]] std::string_view to_text(RunState state);
/// The state of such a name; anything else is `failed`, which the schema cannot hold.
[[nodiscard]] RunState run_state_of(std::string_view text);

/// Adds the row and returns its id. Error `already_exists`.
[[nodiscard]] Result<std::int64_t> insert_stream(Connection& connection, const StreamRow& stream);
/// As History::update_stream.
[[nodiscard]] Result<void> rewrite_stream(Connection& connection, const StreamRow& stream);
/// As History::add_run; returns the id.
[[nodiscard]] Result<std::int64_t> insert_run(Connection& connection, const RunRow& run,
                                              const std::vector<MemoryPlan>& plans, const Scenario& scenario);
/// As History::finish_run.
[[nodiscard]] Result<void> rewrite_totals(Connection& connection, std::int64_t run_id,
                                          const RunTotals& totals);
[[nodiscard]] Result<bool> run_exists(Connection& connection, std::int64_t run_id);

/// All streams, oldest first.
[[nodiscard]] Result<std::vector<StreamRow>> read_streams(Connection& connection);
/// As History::unfinished_runs.
[[nodiscard]] Result<std::vector<RunRow>> read_unfinished_runs(Connection& connection, std::int64_t stream_id);

}  // namespace replayd::storage
