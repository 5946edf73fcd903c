#pragma once
// What waits for the writer thread, in two lanes. The urgent lane holds appends to the log and registrations, which
// somebody waits for; the bulk lane holds rows of results, which are worth collecting into large commits. Each lane
// keeps its order. All functions may be called from any thread.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/sim/records.hpp"
#include "replay/sim/residuals.hpp"
#include "storage/history.hpp"

namespace replayd::storage {

struct WriteTools;

using Done = std::function<void(Result<void>)>;

/// `apply` runs inside a transaction that is shared with others: an error that is the item's own (not found, exists
/// already, wrong moment) must come before anything was written.
struct UrgentItem {
    std::function<Result<void>(WriteTools&)> apply;
    Done done;
    std::optional<Error> refused;  ///< the answer, decided already: `apply` is not called
};

/// Marks a place in the bulk lane: its `done` is called when everything before is committed.
struct Barrier {};

struct BulkItem {
    std::int64_t run_id = 0;
    std::variant<std::vector<RequestRecord>, std::vector<WindowRecord>, std::vector<ResidualWindow>, RunTotals, Barrier>
        content;
    Done done;  ///< only of totals and barriers

    [[nodiscard]] std::size_t rows() const;
};

class WriteQueue {
public:
    using Clock = std::chrono::steady_clock;

    struct Intake {
        std::vector<UrgentItem> urgent;
        std::vector<BulkItem> bulk;
        bool stopping = false;
    };

    WriteQueue(std::size_t rows_max, std::size_t urgent_max, std::function<Clock::time_point()> now)
        : rows_max_(rows_max), urgent_max_(urgent_max), now_(std::move(now)) {}

    /// False, and the item is left alone, when the lane is full.
    [[nodiscard]] bool push_urgent(UrgentItem& item);
    /// Also when the lane is full: for items that carry no data, or whose callers wait.
    void push_urgent_always(UrgentItem item);
    /// Blocks while the lane is full; an item larger than the lane goes in alone. After refuse_rows, rows are let
    /// go of, while totals and barriers still queue.
    void push_bulk(BulkItem item);

    /// Blocks until there is something to write: urgent items at once; bulk items when they are many, old, awaited
    /// or `more_pending` (the writer still has some), but not before `retry_at`. Or until `retry_at` has come, or stop.
    [[nodiscard]] Intake take(bool more_pending, std::optional<Clock::time_point> retry_at);
    /// The same without blocking: nothing when `take` would wait. For one thread that does everything.
    [[nodiscard]] std::optional<Intake> take_now(bool more_pending, std::optional<Clock::time_point> retry_at);
    [[nodiscard]] Clock::time_point now() const { return now_(); }
    [[nodiscard]] bool urgent_waiting() const { return queued_appends() > 0; }
    [[nodiscard]] std::size_t queued_appends() const { return urgent_count_.load(std::memory_order_relaxed); }

    /// Frees the room of rows that were taken and are committed (or given up).
    void release(std::size_t rows);
    [[nodiscard]] std::size_t queued_rows() const;

    void refuse_rows();
    void stop();

private:
    [[nodiscard]] bool bulk_due(Clock::time_point now) const;
    [[nodiscard]] std::optional<Intake> take_due(Clock::time_point now, bool more_pending,
                                                 std::optional<Clock::time_point> retry_at);

    const std::size_t rows_max_;
    const std::size_t urgent_max_;
    const std::function<Clock::time_point()> now_;
    mutable std::mutex mutex_;
    std::condition_variable writer_wakes_;
    std::condition_variable room_;
    std::vector<UrgentItem> urgent_;
    std::vector<BulkItem> bulk_;
    std::atomic<std::size_t> urgent_count_ = 0;
    std::size_t rows_held_ = 0;     ///< in bulk_, and taken but not released
    std::size_t rows_waiting_ = 0;  ///< in bulk_
    Clock::time_point oldest_bulk_;
    bool awaited_ = false;          ///< bulk_ holds totals or a barrier
    bool refusing_rows_ = false;
    bool stopping_ = false;
};

}  // namespace replayd::storage
