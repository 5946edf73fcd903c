#include "storage/write_queue.hpp"

#include <utility>

namespace replayd::storage {
namespace {

// A commit costs some 50 µs beside its rows: beyond a few thousand rows it no longer shows. 50 ms is the age at
// which a trickle of rows becomes visible to readers.
constexpr std::size_t k_bulk_rows_due = 4'096;
constexpr std::chrono::milliseconds k_bulk_age_due{50};

}  // namespace

std::size_t BulkItem::rows() const {
    if (const auto* requests = std::get_if<std::vector<RequestRecord>>(&content)) return requests->size();
    if (const auto* windows = std::get_if<std::vector<WindowRecord>>(&content)) return windows->size();
    if (const auto* residuals = std::get_if<std::vector<ResidualWindow>>(&content)) return residuals->size();
    return 0;
}

bool WriteQueue::push_urgent(UrgentItem& item) {
    {
        const std::lock_guard lock(mutex_);
        if (urgent_.size() >= urgent_max_) return false;
        urgent_.push_back(std::move(item));
        urgent_count_.store(urgent_.size(), std::memory_order_relaxed);
    }
    writer_wakes_.notify_one();
    return true;
}

void WriteQueue::push_urgent_always(UrgentItem item) {
    {
        const std::lock_guard lock(mutex_);
        urgent_.push_back(std::move(item));
        urgent_count_.store(urgent_.size(), std::memory_order_relaxed);
    }
    writer_wakes_.notify_one();
}

void WriteQueue::push_bulk(BulkItem item) {
    const std::size_t rows = item.rows();
    bool wake = false;
    {
        std::unique_lock lock(mutex_);
        if (rows > 0) {
            room_.wait(lock, [&] { return refusing_rows_ || rows_held_ == 0 || rows_held_ + rows <= rows_max_; });
            if (refusing_rows_) return;
        } else {
            awaited_ = true;
        }
        const auto now = now_();
        if (bulk_.empty()) oldest_bulk_ = now;
        // The writer sleeps until the first row is old enough: it needs to hear of the first row and of a full batch.
        wake = bulk_.empty() || awaited_ || rows_waiting_ + rows >= k_bulk_rows_due;
        rows_held_ += rows;
        rows_waiting_ += rows;
        bulk_.push_back(std::move(item));
    }
    if (wake) writer_wakes_.notify_one();
}

bool WriteQueue::bulk_due(Clock::time_point now) const {
    if (bulk_.empty()) return false;
    return awaited_ || rows_waiting_ >= k_bulk_rows_due || rows_held_ >= rows_max_ ||
           now - oldest_bulk_ >= k_bulk_age_due;
}

/// What is due; nothing when it is better to wait.
std::optional<WriteQueue::Intake> WriteQueue::take_due(Clock::time_point now, bool more_pending,
                                                       std::optional<Clock::time_point> retry_at) {
    const bool holding_back = retry_at && now < *retry_at && !stopping_;
    const bool retrying = retry_at && !holding_back;
    const bool bulk = !holding_back && (more_pending || stopping_ || bulk_due(now));
    if (!bulk && !retrying && !stopping_ && urgent_.empty()) return std::nullopt;
    Intake intake;
    intake.stopping = stopping_;
    intake.urgent = std::exchange(urgent_, {});
    urgent_count_.store(0, std::memory_order_relaxed);
    if (bulk) {
        intake.bulk = std::exchange(bulk_, {});
        rows_waiting_ = 0;
        awaited_ = false;
    }
    return intake;
}

WriteQueue::Intake WriteQueue::take(bool more_pending, std::optional<Clock::time_point> retry_at) {
    std::unique_lock lock(mutex_);
    for (;;) {
        if (auto intake = take_due(now_(), more_pending, retry_at)) return std::move(*intake);
        if (retry_at) {
            writer_wakes_.wait_until(lock, *retry_at);
        } else if (bulk_.empty()) {
            writer_wakes_.wait(lock);
        } else {
            writer_wakes_.wait_until(lock, oldest_bulk_ + k_bulk_age_due);
        }
    }
}

std::optional<WriteQueue::Intake> WriteQueue::take_now(bool more_pending, std::optional<Clock::time_point> retry_at) {
    const std::lock_guard lock(mutex_);
    return take_due(now_(), more_pending, retry_at);
}

void WriteQueue::release(std::size_t rows) {
    {
        const std::lock_guard lock(mutex_);
        rows_held_ -= rows;
    }
    room_.notify_all();
}

std::size_t WriteQueue::queued_rows() const {
    const std::lock_guard lock(mutex_);
    return rows_held_;
}

void WriteQueue::refuse_rows() {
    {
        const std::lock_guard lock(mutex_);
        refusing_rows_ = true;
    }
    room_.notify_all();
}

void WriteQueue::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    writer_wakes_.notify_one();
}

}  // namespace replayd::storage
