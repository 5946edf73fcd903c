#pragma once
// Streams, scenarios, runs, pools and memory plans: the rows that are written seldom.

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"
#include "storage/connection.hpp"
#include "storage/history.hpp"

namespace replayd::storage {

/// Columns of `run` that hold a RunSnapshot.
inline constexpr std::array<std::string_view, 22> k_snapshot_columns = {
    "virtual_ns",      "arrived",          "waiting",          "running",
    "transferring",    "finished",         "rejected",         "preemptions",
    "steps",           "prompt_tokens",    "output_tokens",    "kv_blocks_used",
    "kv_blocks_total", "last_batch_sequences", "kv_blocks_cached", "cache_queried_tokens",
    "cache_hit_tokens", "cache_inserted_entries", "cache_evicted_entries", "gpu_ns",
    "replicas_started", "replicas_stopped"};

/// Pointers to the members of a (const) RunSnapshot, in the order of k_snapshot_columns.
template <class Snapshot>
auto integers_of(Snapshot& s) {
    return std::array{&s.now.ns,
                      &s.arrived,
                      &s.waiting,
                      &s.running,
                      &s.transferring,
                      &s.finished,
                      &s.rejected,
                      &s.preemptions,
                      &s.steps,
                      &s.prompt_tokens.value,
                      &s.output_tokens.value,
                      &s.kv_blocks_used,
                      &s.kv_blocks_total,
                      &s.last_batch_sequences,
                      &s.kv_blocks_cached,
                      &s.cache.queried_tokens,
                      &s.cache.hit_tokens,
                      &s.cache.inserted_entries,
                      &s.cache.evicted_entries,
                      &s.gpu_time.value,
                      &s.replicas_started,
                      &s.replicas_stopped};
}

/// "running", "finished", "failed", "interrupted" or "stopped".
[[nodiscard]] std::string_view to_text(RunState state);
/// The state of such a name; anything else is `failed`, which the schema cannot hold.
[[nodiscard]] RunState run_state_of(std::string_view text);

/// The stream and its runs; nothing is written when the answer is an error of the caller's own.
[[nodiscard]] Result<AddedStream> insert_stream_with_runs(Connection& connection, const StreamRow& stream,
                                                          const std::vector<NewRun>& runs);

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
