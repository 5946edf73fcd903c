#pragma once
// The SQLite history: one writer thread with one connection, fed by a bounded queue; schema in schema.sql,
// explained in README.md. Readers use storage/query.hpp on connections of their own.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/memory/memory_plan.hpp"
#include "replay/sim/records.hpp"
#include "replay/sim/residuals.hpp"
#include "replay/sim/run.hpp"

namespace replayd::storage {

enum class Durability {
    normal,  ///< synchronous=NORMAL: survives a kill of the process; power loss may take the last commits
    full,    ///< synchronous=FULL: survives power loss
};

/// When a start reads the whole file with `PRAGMA quick_check` before anything is written.
enum class StartCheck {
    after_unclean_end,  ///< a write-ahead log was left behind: the process or the machine went down
    always,
};

struct HistoryOptions {
    std::string path;
    Durability durability = Durability::normal;
    StartCheck start_check = StartCheck::after_unclean_end;
    std::size_t queue_rows_max = 200'000;  ///< result rows waiting; `add_requests` blocks beyond it
    std::size_t queue_batches_max = 10'000;  ///< appends waiting; more are refused with `unavailable`
    std::int64_t file_bytes_max = 0;  ///< the file never grows beyond it ("disk full"); 0: no limit
    /// Called on the writer thread after every commit with its wall time; may be empty.
    std::function<void(std::int64_t commit_wall_ns)> on_commit;
    /// The clock that collects rows and spaces retries; simulations bring their own.
    std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
};

struct StreamRow {
    std::int64_t id = 0;
    std::string name;
    double speed = 0;          ///< 0: as fast as possible
    std::int64_t created_ms = 0;
    bool ended = false;        ///< an End was logged
    bool paused = false;
    std::string traced_system; ///< JSON of the hello's configuration; empty if none
    std::string request_rows = "all";  ///< a RequestPolicy; set when the stream is added
};

/// One acknowledged batch, as the client sent it (a serialized replayd.v1 ArrivalBatch).
struct LoggedBatch {
    std::uint64_t seq = 0;
    std::string payload;
    std::int64_t arrivals = 0;
    VirtualTime watermark;
};

struct RunRow {
    std::int64_t id = 0;
    std::int64_t stream_id = 0;
    std::string scenario;
    std::string scenario_toml;
    std::string engine_version;  ///< of the replayd that computes it
    std::int64_t created_ms = 0;
    std::int64_t forked_from = 0;  ///< run that it is up to `forked_at`, under that run's scenario; 0: none
    VirtualTime forked_at{};       ///< with forked_from
};

/// A run to be added, with what its scenario came to.
struct NewRun {
    RunRow row;                              ///< id and stream_id are assigned
    const std::vector<MemoryPlan>& plans;    ///< one per pool
    const Scenario& scenario;
};

/// A stream and its runs, as they were added.
struct AddedStream {
    StreamRow stream;
    std::vector<RunRow> runs;
};

enum class RunState {
    running,
    finished,
    failed,
    interrupted,
    stopped,  ///< on request, before its stream ended; never rebuilt
};

/// Sums and outcome of a run, rewritten when it finishes.
struct RunTotals {
    RunState state = RunState::running;
    std::int64_t finished_ms = 0;
    std::string hash;          ///< empty while running
    std::string failure;       ///< why it failed; empty otherwise
    std::int64_t request_rows_left_out = 0;  ///< requests that ended and get no row, by the stream's RequestPolicy
    RunSnapshot snapshot;
};

struct HistoryCounters {
    std::int64_t queued_rows = 0;
    std::int64_t queued_appends = 0;  ///< batches and registrations
    std::int64_t committed_request_rows = 0;
    std::int64_t committed_window_rows = 0;
    std::int64_t committed_residual_rows = 0;  ///< windows of residuals
    std::int64_t committed_batches = 0;
    std::int64_t commits = 0;
    std::int64_t commit_wall_ns_total = 0;
    std::int64_t failed_commits = 0;  ///< rolled back (disk full, I/O error); result rows are kept and tried again
};

class History {
public:
    /// Opens or creates the file, migrates it, starts the writer thread. Errors: `io` (cannot open, not a
    /// replayd file, damaged, disk full), `failed_state` (made by a newer replayd: untouched).
    [[nodiscard]] static Result<std::unique_ptr<History>> open(HistoryOptions options);
    virtual ~History() = default;  ///< commits what is queued (one try) and stops the writer

    // Registration: blocks until committed.
    /// Id is assigned. Error `already_exists` when the name is taken.
    [[nodiscard]] virtual Result<StreamRow> add_stream(const StreamRow& stream) = 0;
    /// The stream and its runs in one transaction, so that a kill leaves both or neither. Ids are assigned. Errors as
    /// of add_stream and add_run.
    [[nodiscard]] virtual Result<AddedStream> add_stream_with_runs(const StreamRow& stream,
                                                                   const std::vector<NewRun>& runs) = 0;
    /// Rewrites speed, ended, paused and traced_system of the stream with this id; ordered after every batch
    /// appended before. Error `not_found`.
    [[nodiscard]] virtual Result<void> update_stream(const StreamRow& stream) = 0;
    /// Adds the run with its scenario (by content) and memory plans (one per pool); id is assigned.
    /// Errors: `not_found` (no such stream), `invalid_argument` (plans and pools differ in number).
    [[nodiscard]] virtual Result<RunRow> add_run(const RunRow& run, const std::vector<MemoryPlan>& plans,
                                                 const Scenario& scenario) = 0;

    // The durable log. `done` is called on the writer thread after the commit (or with its error); it must not
    // call a function of History that blocks. Batches of a stream are numbered 1, 2, 3, …: appending a stored
    // batch again with the same payload succeeds and changes nothing. Errors: `not_found` (no such stream),
    // `failed_state` (a gap), `already_exists` (stored with another payload), `unavailable` (queue or disk full).
    virtual void append_batch(std::int64_t stream_id, LoggedBatch batch,
                              std::function<void(Result<void>)> done) = 0;

    // Results of runs; block while the queue is full. Adding a row twice (a rebuilt run) changes nothing.
    // Precondition: `run_id` is a run of this file.
    virtual void add_requests(std::int64_t run_id, std::vector<RequestRecord> records) = 0;
    virtual void add_window(std::int64_t run_id, std::vector<WindowRecord> windows) = 0;
    virtual void add_residuals(std::int64_t run_id, std::vector<ResidualWindow> windows) = 0;
    /// Ordered after every row added before for this run; `done` (as in append_batch) after the commit. Errors:
    /// `not_found`, `failed_state` (it finished before with another hash).
    virtual void finish_run(std::int64_t run_id, RunTotals totals, std::function<void(Result<void>)> done) = 0;

    /// For a shutdown that must not wait (disk full): unblocks every waiting add; rows added from now on are
    /// not kept. Their runs stay unfinished and are rebuilt from the log after the next start.
    virtual void refuse_rows() = 0;

    // Recovery.
    [[nodiscard]] virtual Result<std::vector<StreamRow>> streams() = 0;
    /// Runs that are neither finished nor failed nor stopped, oldest first.
    [[nodiscard]] virtual Result<std::vector<RunRow>> unfinished_runs(std::int64_t stream_id) = 0;
    /// Batches with seq >= `from`, at most `limit`, in order.
    [[nodiscard]] virtual Result<std::vector<LoggedBatch>> batches(std::int64_t stream_id, std::uint64_t from,
                                                                   std::size_t limit) = 0;

    /// Blocks until everything queued so far is committed, or a commit fails (its error).
    [[nodiscard]] virtual Result<void> flush() = 0;
    /// Has the writer thread call `answered` when it comes round to it, whether or not it can write: a sign of life.
    virtual void probe(std::function<void()> answered) = 0;
    [[nodiscard]] virtual HistoryCounters counters() const = 0;
    /// Why the latest commit failed, until one succeeds: not ready while it has a value. The writer tries again every
    /// second, also when nothing waits, so that it heals by itself when space returns.
    [[nodiscard]] virtual std::optional<Error> trouble() const = 0;
};

}  // namespace replayd::storage
