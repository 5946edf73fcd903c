#pragma once
// Reads the history: typed answers for the API and free SELECT statements, on a read-only connection of its own.
// One Reader belongs to one thread at a time (open several, they are cheap); only cancel() may come from others.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/memory/memory_plan.hpp"
#include "replay/sim/records.hpp"
#include "replay/sim/residuals.hpp"
#include "storage/history.hpp"
#include "storage/replica_series.hpp"
#include "storage/run_comparison.hpp"
#include "storage/sql_query.hpp"

namespace replayd::storage {

struct StreamInfo {
    StreamRow row;
    std::int64_t batches = 0;   ///< stored; also the number of the last one
    std::int64_t arrivals = 0;
    VirtualTime watermark;      ///< of the last batch; 0 without one
};

struct PoolInfo {
    std::string name;
    std::string role;  ///< mixed, prefill or decode
    std::string gpu;
    std::int64_t replicas = 0;
    std::int64_t gpus = 0;  ///< of one replica
};

/// A run with the facts of its scenario.
struct RunInfo {
    RunRow row;
    std::string stream;
    std::string request_rows;  ///< the stream's RequestPolicy
    RunTotals totals;  ///< the snapshot is empty while the run is `running`: see Reader::whole_run
    std::string description;
    std::string model;
    bool disaggregated = false;
    std::int64_t gpus = 0;
    Duration slo_ttft{0};  ///< 0: no objective
    Duration slo_tpot{0};
    Duration window{0};
    std::vector<PoolInfo> pools;
};

struct RunFilter {
    std::string stream;  ///< empty: all streams
    std::size_t limit = 100;
};

enum class RequestOrder {
    recent,        ///< latest arrivals first
    slowest_ttft,  ///< reads every row of the run; rejected requests have no TTFT and are left out
    slowest_e2e,   ///< reads every row of the run
};

struct RequestFilter {
    RequestOrder order = RequestOrder::recent;
    std::optional<Outcome> outcome;  ///< nothing: any
    std::size_t limit = 50;
};

/// A request in one of the runs that have it.
struct RunRequest {
    std::int64_t run_id = 0;
    std::string stream;
    std::string scenario;
    RequestRecord record;
};

class Reader {
public:
    /// Errors: `not_found` (no such file), `io` (not a history), `failed_state` (made by a newer replayd, or not yet
    /// migrated by this one).
    [[nodiscard]] static Result<std::unique_ptr<Reader>> open(const std::string& path);

    /// Runs one SELECT; see SelectGuard::query.
    [[nodiscard]] Result<Table> query(std::string_view sql, const QueryLimits& limits = {});
    /// Stops the query() that runs now, from any thread.
    void cancel() { guard_.cancel(); }

    [[nodiscard]] Result<std::vector<StreamInfo>> streams();
    /// Newest first. Error `invalid_argument` when the limit is 0.
    [[nodiscard]] Result<std::vector<RunInfo>> runs(const RunFilter& filter);
    /// Error `not_found`.
    [[nodiscard]] Result<RunInfo> run(std::int64_t run_id);
    /// The memory plan of each pool; empty for an unknown run.
    [[nodiscard]] Result<std::vector<MemoryPlan>> plans(std::int64_t run_id);
    /// Windows from `from` on in time order, merged evenly into at most `limit` (>= 1).
    [[nodiscard]] Result<std::vector<WindowRecord>> windows(std::int64_t run_id, VirtualTime from,
                                                            std::size_t limit);
    /// What each replica held over time, at most `limit` (>= 1) points each; empty for a run without windows.
    [[nodiscard]] Result<std::vector<ReplicaSeries>> replicas(std::int64_t run_id, std::size_t limit);
    /// Windows in which requests finished that carry an observation, from `from` on in time order, merged evenly into
    /// at most `limit` (>= 1).
    [[nodiscard]] Result<std::vector<ResidualWindow>> residuals(std::int64_t run_id, VirtualTime from,
                                                                std::size_t limit);
    /// All windows of the run merged: its sums so far, and histograms for run-level quantiles. Empty record without
    /// windows.
    [[nodiscard]] Result<WindowRecord> whole_run(std::int64_t run_id);
    [[nodiscard]] Result<std::vector<RequestRecord>> requests(std::int64_t run_id,
                                                              const RequestFilter& filter);
    /// Error `not_found`.
    [[nodiscard]] Result<RequestRecord> request(std::int64_t run_id, std::int64_t sequence);
    /// The request of this id in every run (or in one), oldest run first. Reads every row: ids have no index.
    [[nodiscard]] Result<std::vector<RunRequest>> requests_by_id(std::string_view id,
                                                                 std::optional<std::int64_t> run_id);
    /// As History::batches.
    [[nodiscard]] Result<std::vector<LoggedBatch>> batches(std::int64_t stream_id, std::uint64_t from,
                                                           std::size_t limit);
    /// As compare_runs.
    [[nodiscard]] Result<RunComparison> compare(std::int64_t run_a, std::int64_t run_b,
                                                const ComparisonOptions& options);

private:
    explicit Reader(Connection connection)
        : connection_(std::move(connection)), guard_(connection_) {}

    Connection connection_;
    SelectGuard guard_;
};

}  // namespace replayd::storage
