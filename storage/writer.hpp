#pragma once
// The writer: takes what waits in the queue, applies it in transactions, and reports. Everything that was waiting
// when a transaction begins shares its commit. It runs on a thread of its own, the only one that uses its connection.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "storage/connection.hpp"
#include "storage/history.hpp"
#include "storage/log_rows.hpp"
#include "storage/request_rows.hpp"
#include "storage/residual_rows.hpp"
#include "storage/window_rows.hpp"
#include "storage/write_queue.hpp"

namespace replayd::storage {

/// The writer's connection and its prepared statements, which refer to it and go before it.
struct WriteTools {
    std::unique_ptr<Connection> connection;
    LogAppender log;
    RequestInserter requests;
    WindowInserter windows;
    ResidualInserter residuals;

    /// Prepares the statements on a migrated connection.
    [[nodiscard]] static Result<std::unique_ptr<WriteTools>> make(Connection connection);
};

class Writer {
public:
    Writer(std::unique_ptr<WriteTools> tools, WriteQueue& queue, std::function<void(std::int64_t)> on_commit);

    /// The writer thread: returns after WriteQueue::stop, when what was queued is committed or a commit failed.
    void run();
    /// One transaction of run() where something is due; false when not.
    bool turn();

    /// Any thread.
    [[nodiscard]] HistoryCounters counters() const;
    [[nodiscard]] std::optional<Error> trouble() const;

private:
    struct Answer {
        Done done;
        Result<void> result;
    };
    /// How far a transaction has come in pending_.
    struct Progress {
        std::size_t items = 0;   ///< complete
        std::size_t offset = 0;  ///< rows of the item after them
        std::size_t rows = 0;
        HistoryCounters added;
        std::vector<Answer> answers;
    };

    /// Writes what was taken; true when the writer is at its end.
    bool write(WriteQueue::Intake intake);
    /// One transaction; false if it was rolled back.
    bool write_round(std::vector<UrgentItem> urgent);
    [[nodiscard]] Result<Progress> apply_all(std::vector<UrgentItem>& urgent);
    [[nodiscard]] Result<void> apply_urgent(std::vector<UrgentItem>& urgent, Progress& progress);
    [[nodiscard]] Result<void> apply_bulk(std::size_t rows_max, Progress& progress);
    [[nodiscard]] Result<void> apply_rows(const BulkItem& item, Progress& progress);
    [[nodiscard]] Result<void> commit(Transaction& transaction);
    /// Whether the disk has room for more than the transaction that has just found its place.
    [[nodiscard]] bool has_room() const;
    void complete(Progress progress);
    void fail_round(const Error& error, std::vector<UrgentItem>& urgent);
    void give_up(const Error& error);
    void close_file();

    std::unique_ptr<WriteTools> tools_;
    WriteQueue& queue_;
    std::function<void(std::int64_t)> on_commit_;
    std::deque<BulkItem> pending_;     ///< taken and not yet committed
    std::size_t pending_offset_ = 0;   ///< rows of the first item that are committed
    std::optional<WriteQueue::Clock::time_point> retry_at_;

    mutable std::mutex mutex_;  ///< guards what follows
    HistoryCounters counters_;
    std::optional<Error> trouble_;
};

}  // namespace replayd::storage
