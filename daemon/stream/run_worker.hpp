#pragma once
// Advances one run: takes durable batches of its stream, as far as the pace allows, and hands the records on.

#include <atomic>
#include <functional>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "daemon/stream/arrival_log.hpp"
#include "daemon/stream/engine_pool.hpp"
#include "daemon/stream/observer.hpp"
#include "daemon/stream/pacer.hpp"
#include "daemon/stream/run_progress.hpp"
#include "daemon/stream/run_records.hpp"
#include "replay/sim/run.hpp"
#include "storage/history.hpp"

namespace replayd::stream {

/// What a run needs of its stream. Any thread.
class RunFeed : public BatchFeed {
public:
    [[nodiscard]] virtual Pacer pacer() = 0;
    /// The clock of the daemon.
    [[nodiscard]] virtual WallTime now() = 0;
    /// A run took batches, finished or failed.
    virtual void on_run_progress() = 0;
    /// While it is held the feed stays, although the daemon may forget the stream once its runs are over. Null for a
    /// feed that outlives its runs anyway.
    [[nodiscard]] virtual std::shared_ptr<RunFeed> keep() { return nullptr; }
};

/// Requests that wait for, run on or move between the replicas of one run, at most: with some 500 bytes each, what a
/// stream of arrivals that its cluster cannot keep up with may take of the memory. The run fails beyond it.
inline constexpr std::int64_t k_run_requests_max = 2'000'000;

class RunWorker final : public Job, public std::enable_shared_from_this<RunWorker> {
public:
    /// Arrivals offered between two looks at the pace and the clock.
    static constexpr int k_arrivals_per_step = 64;

    RunWorker(RunIdentity identity, RunFeed& feed, storage::History& history, Observer& observer,
              std::int64_t requests_max = k_run_requests_max);

    [[nodiscard]] NextSlice slice() override;

    [[nodiscard]] const RunIdentity& identity() const { return identity_; }
    [[nodiscard]] const RunProgress& progress() const { return progress_; }
    /// Every batch up to this one has been consumed.
    [[nodiscard]] std::uint64_t consumed_seq() const { return consumed_seq_.load(); }
    /// It was added to a stream that had begun, and has not come to where the stream is. It costs its stream no credit.
    [[nodiscard]] bool catching_up() const { return catching_up_.load(); }
    /// Computes nothing until `release`: another process may be at it. Before its first slice.
    void hold() {
        held_.store(true);
        start_behind();
    }
    /// Whoever calls wakes the job.
    void release() { held_.store(false); }
    /// Before its first slice.
    void start_behind() { catching_up_.store(true); }
    /// Looks at the run as it is (null when it has failed to start) and at the time of the last arrival that it was
    /// offered.
    using Look = std::function<void(const Run* run, VirtualTime offered)>;
    /// Calls `look` on the run's thread at the beginning of a slice. It must be quick. Whoever calls wakes the job.
    void ask(Look look);
    /// Ends the run as stopped at the beginning of its next slice. Whoever calls wakes the job.
    void request_stop() { stop_wanted_.store(true); }
    /// Neither finished (its row committed) nor failed.
    [[nodiscard]] bool active() const { return progress_.phase() == RunPhase::running; }
    /// Ends the run as failed: its row says why. Only before its first slice, or from its own slice.
    void fail_run(const std::string& reason);

private:
    /// What one step found.
    enum class Step { more, starved, paced };
    [[nodiscard]] Step step(VirtualTime target);
    [[nodiscard]] Result<bool> load_batch();
    void advance(VirtualTime to);
    void answer_questions();
    void stop();
    [[nodiscard]] Step drain(VirtualTime target);
    void finish();
    [[nodiscard]] bool fits();
    void tell_row(storage::RunTotals totals);

    const RunIdentity identity_;
    RunFeed& feed_;
    storage::History& history_;
    Observer& observer_;
    const std::int64_t requests_max_;
    RunProgress progress_;
    RunRecords records_;
    std::optional<Run> run_;

    // Of the slices only.
    bool over_ = false;               ///< finished, failed or stopped, maybe not committed yet
    std::size_t forks_done_ = 0;      ///< parts of identity_.before that lie behind
    std::vector<FeedBatch> fetched_;  ///< prefetched batches
    std::size_t batch_ = 0;           ///< index into fetched_
    std::size_t arrival_ = 0;         ///< index into the batch
    VirtualTime bound_;               ///< no arrival that is not offered yet is earlier
    VirtualTime last_offered_;        ///< time of the last arrival offered
    VirtualTime drained_to_;          ///< after the last arrival
    std::int64_t offered_ = 0;
    std::int64_t counted_at_ = 0;  ///< arrivals that had been offered at the latest count
    std::atomic<std::uint64_t> consumed_seq_{0};
    std::atomic<bool> catching_up_{false};
    std::atomic<bool> held_{false};
    std::atomic<bool> stop_wanted_{false};
    std::mutex questions_mutex_;
    std::vector<Look> questions_;
};

}  // namespace replayd::stream
