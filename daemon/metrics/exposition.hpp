#pragma once
// The text of `GET /metrics`: read from the state of streams, runs and queues at each scrape, so that a run that
// leaves takes its gauges with it. Every series is listed in daemon/metrics.md.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/metrics/commit_times.hpp"
#include "daemon/stream/stream_registry.hpp"
#include "daemon/stream/task_pool.hpp"
#include "storage/history.hpp"

namespace replayd::metrics {

/// Gauges that only the listener and the live hub know.
struct ConnectionCounts {
    std::size_t ingest = 0;
    std::size_t live = 0;
    std::size_t http = 0;
    std::size_t live_queue = 0;  ///< windows that wait for slow readers
    std::vector<std::pair<std::string, std::uint64_t>> refused;  ///< requests that the guard did not let in, by reason
};

/// What the exposition reads; all outlive it.
struct Sources {
    const stream::StreamRegistry& registry;
    const storage::History& history;
    const stream::EnginePool& engine;
    const stream::TaskPool& tasks;
    const CommitTimes& commits;
    std::function<ConnectionCounts()> connections;
    std::int64_t retention_streams = 0;  ///< taken out of the history by [retention] since the start
    std::int64_t retention_rows = 0;     ///< of theirs
    std::optional<std::size_t> nats_waiting = std::nullopt;  ///< batches on their way to NATS; nothing without [nats]
    std::vector<std::pair<std::string, std::int64_t>> spans = {};  ///< OpenTelemetry spans since the start, by outcome
    std::int64_t spans_waiting = 0;      ///< of them, until no earlier one can come
};

/// Runs that `/metrics` shows: all but those that ended more than 15 minutes before `now_ms` and are not among
/// the 16 newest. Oldest first.
[[nodiscard]] std::vector<std::shared_ptr<stream::RunWorker>> exposed_runs(
    std::vector<std::shared_ptr<stream::RunWorker>> runs, std::int64_t now_ms);

/// Prometheus text format 0.0.4. Any thread.
[[nodiscard]] std::string render(const Sources& sources);

}  // namespace replayd::metrics
