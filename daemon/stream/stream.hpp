#pragma once
// A named, ordered sequence of arrivals and the runs that replay it. Any thread, where not said otherwise.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daemon/stream/arrival_log.hpp"
#include "daemon/stream/engine_pool.hpp"
#include "daemon/stream/observer.hpp"
#include "daemon/stream/pacer.hpp"
#include "daemon/stream/run_worker.hpp"
#include "daemon/stream/shared_log.hpp"
#include "daemon/stream/tasks.hpp"
#include "storage/history.hpp"
#include "storage/request_policy.hpp"

namespace replayd::stream {

/// Durable arrivals that the slowest run has not consumed, at most: what credit is granted from.
inline constexpr std::int64_t k_backlog_arrivals_max = 200'000;

/// What every stream works with; outlives them all.
struct StreamContext {
    storage::History& history;
    Jobs& engine;
    Tasks& tasks;
    Observer& observer;
    std::int64_t backlog_arrivals_max = k_backlog_arrivals_max;
    std::function<WallTime()> now = std::chrono::steady_clock::now;  ///< what paces runs and ends their slices
    std::int64_t run_requests_max = k_run_requests_max;
    SharedLog* shared = nullptr;  ///< where streams are shared with other processes; null: they are not
};

enum class StreamState { running, paused, ended, finished };
[[nodiscard]] std::string_view to_string(StreamState state);

struct StreamStatus {
    std::string name;
    StreamState state = StreamState::running;
    double speed = 0;
    std::string request_rows;  ///< its storage::RequestPolicy
    std::int64_t created_ms = 0;
    LogStatus log;
    std::int64_t allowed_arrivals = 0;  ///< arrivals that may have been sent in all
    std::int64_t backlog_arrivals = 0;  ///< durable, not consumed by the slowest run
    std::int64_t limit = 0;             ///< of the backlog
    std::int64_t clients = 0;
    std::string trouble;                ///< why nothing can be stored at the moment; empty: nothing is wrong

    [[nodiscard]] std::int64_t credit() const { return allowed_arrivals - log.durable.arrivals; }
};

/// The client that feeds a stream.
struct IngestClient {
    std::function<void()> progress;  ///< acks or credit may have changed
    std::function<void()> replaced;  ///< another client has taken over
};

using RunList = std::vector<std::shared_ptr<RunWorker>>;

class Stream final : public RunFeed, public std::enable_shared_from_this<Stream> {
public:
    /// `shared`: its log is context.shared's. Precondition: `row.request_rows` is a RequestPolicy.
    Stream(storage::StreamRow row, LogTail tail, const StreamContext& context, bool shared = false);

    /// Before `start` only. `held`: it computes nothing until release_run.
    void add_run(RunIdentity identity, bool held = false);
    void release_run(const std::shared_ptr<RunWorker>& run);
    /// After `start`: the run replays the log from its beginning until it has caught up.
    std::shared_ptr<RunWorker> add_late_run(RunIdentity identity);
    /// Gives a run a slice, so that it answers questions or stops.
    void wake_run(const std::shared_ptr<RunWorker>& run) { context_.engine.wake(run); }
    /// Wakes the runs. `reached`: virtual time that a paced or paused stream goes on from.
    void start(std::optional<VirtualTime> reached);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] std::int64_t id() const { return id_; }
    /// Which requests of its runs get a row.
    [[nodiscard]] const storage::RequestPolicy& request_rows() const { return request_rows_; }
    /// In the order in which they were added.
    [[nodiscard]] RunList runs() const;
    [[nodiscard]] StreamStatus status() const;

    /// One client feeds a stream at a time. A new one takes over, because after a broken connection the old one
    /// may look alive for minutes. Returns the token for `detach`.
    [[nodiscard]] std::uint64_t attach(IngestClient client);
    void detach(std::uint64_t token);

    [[nodiscard]] std::optional<Refusal> accept(protocol::ArrivalBatch batch, const Grant& grant,
                                                BatchSource source = BatchSource::client) {
        return log_->accept(std::move(batch), grant, source);
    }
    [[nodiscard]] std::optional<Refusal> accept_end(std::optional<std::uint64_t> seq,
                                                    std::optional<std::uint64_t> failures = std::nullopt) {
        return log_->accept_end(seq, failures);
    }

    /// As ArrivalLog::wait_durable.
    [[nodiscard]] bool wait_durable(std::uint64_t seq, std::uint64_t failures,
                                    std::chrono::milliseconds patience) const {
        return log_->wait_durable(seq, failures, patience);
    }
    /// Whether other processes take part in it.
    [[nodiscard]] bool shared() const { return shared_; }
    /// Every scenario of a shared stream has an outcome, wherever it was computed.
    void set_outcomes_known();
    /// Whether runs of it are still to end, here or elsewhere.
    [[nodiscard]] bool outcomes_open() const { return outcomes_open_.load(); }

    /// As ArrivalLog::refusal_of_trouble.
    [[nodiscard]] std::optional<Refusal> refusal_of_trouble(std::uint64_t failures) const {
        return log_->refusal_of_trouble(failures);
    }

    /// Arrivals of [from, to) from the log, at most `most`: error `too_large` beyond. Reads the history: not for the io
    /// thread.
    [[nodiscard]] Result<std::vector<Arrival>> arrivals_between(VirtualTime from, VirtualTime to,
                                                                std::size_t most) const {
        return log_->between(from, to, most);
    }
    /// As ArrivalLog::logged. Not for the io thread.
    [[nodiscard]] Result<std::vector<storage::LoggedBatch>> logged(std::uint64_t seq, std::size_t most) const {
        return log_->logged(seq, most);
    }
    /// Hands a job of somebody else to the threads that advance the runs.
    void lend_engine(const std::shared_ptr<Job>& job) { context_.engine.wake(job); }

    // These block until committed: not for the io thread.
    [[nodiscard]] Result<void> pause();
    [[nodiscard]] Result<void> resume();
    /// `speed`: 0 or a positive, finite factor.
    [[nodiscard]] Result<void> set_speed(double speed);
    /// JSON of the configuration of the server that is replayed.
    [[nodiscard]] Result<void> set_traced_system(const std::string& json);
    [[nodiscard]] std::string traced_system();

    // RunFeed.
    [[nodiscard]] Result<std::vector<FeedBatch>> fetch(std::uint64_t seq) override { return log_->fetch(seq); }
    [[nodiscard]] bool ends_with(std::uint64_t seq) override;
    [[nodiscard]] Pacer pacer() override;
    [[nodiscard]] WallTime now() override { return context_.now(); }
    void on_run_progress() override;
    [[nodiscard]] std::shared_ptr<RunFeed> keep() override { return shared_from_this(); }

private:
    void on_durable();
    void on_end_ready();
    void publish_end();
    void commit_end();
    void tell_client();
    void wake_runs();
    [[nodiscard]] VirtualTime furthest() const;
    [[nodiscard]] Result<void> rewrite_row(const std::function<void(storage::StreamRow&)>& change);

    const StreamContext context_;
    const std::int64_t id_;
    const std::string name_;
    const std::int64_t created_ms_;
    const storage::RequestPolicy request_rows_;
    const bool shared_;
    std::atomic<bool> outcomes_open_;
    mutable std::mutex runs_mutex_;  ///< guards runs_; nothing else is locked under it
    RunList runs_;
    std::shared_ptr<ArrivalLog> log_;

    std::mutex row_mutex_;  ///< orders rewrites of the row; held while one is committed
    storage::StreamRow row_;

    mutable std::mutex mutex_;
    Pacer pacer_;
    std::uint64_t client_token_ = 0;
    std::optional<IngestClient> client_;
};

/// "speed is -1: expected 0 …", or nothing.
[[nodiscard]] std::optional<std::string> speed_violation(double speed);

}  // namespace replayd::stream
