#include "daemon/stream/run_progress.hpp"

#include <utility>

namespace replayd::stream {

namespace {

constexpr std::chrono::seconds k_speed_span{5};
constexpr std::chrono::milliseconds k_speed_spacing{100};

}  // namespace

void RunProgress::add_requests(std::span<const RequestRecord> records) {
    const std::lock_guard lock(mutex_);
    for (const RequestRecord& record : records) status_.requests.observe(record);
}

void RunProgress::set_left_out(std::int64_t requests) {
    const std::lock_guard lock(mutex_);
    status_.request_rows_left_out = requests;
}

void RunProgress::add_window(std::shared_ptr<const WindowRecord> window) {
    const std::lock_guard lock(mutex_);
    status_.ttft.merge(window->ttft);
    status_.tpot.merge(window->tpot);
    status_.e2e.merge(window->e2e);
    status_.queue.merge(window->queue);
    status_.within_slo += window->within_slo;
    status_.window_finished += window->finished;
    if (window->ttft.count() > 0) status_.last_latencies = window;
    if (window->running > 0) status_.last_busy = window;
    status_.last_window = std::move(window);
}

void RunProgress::add_residuals(std::shared_ptr<const ResidualWindow> window) {
    const std::lock_guard lock(mutex_);
    status_.last_residuals = std::move(window);
}

void RunProgress::set_snapshot(const RunSnapshot& snapshot, std::int64_t consumed_arrivals,
                               std::chrono::steady_clock::time_point now) {
    const std::lock_guard lock(mutex_);
    status_.snapshot = snapshot;
    status_.consumed_arrivals = consumed_arrivals;
    sample_speed(now);
}

void RunProgress::sample_speed(std::chrono::steady_clock::time_point now) {
    const bool dense = samples_.size() >= 2 && now - samples_[samples_.size() - 2].wall < k_speed_spacing;
    if (dense) samples_.pop_back();
    samples_.push_back({now, status_.snapshot.now});
    while (samples_.size() > 2 && now - samples_[1].wall >= k_speed_span) samples_.pop_front();
    const std::chrono::duration<double> wall = now - samples_.front().wall;
    if (wall.count() > 0) {
        status_.speedup = to_seconds(status_.snapshot.now - samples_.front().virtual_time) / wall.count();
    }
}

void RunProgress::set_finished(std::string hash, std::int64_t finished_ms) {
    const std::lock_guard lock(mutex_);
    status_.phase = RunPhase::finished;
    status_.hash = std::move(hash);
    status_.finished_ms = finished_ms;
}

void RunProgress::set_failed(std::string failure, std::int64_t finished_ms) {
    const std::lock_guard lock(mutex_);
    status_.phase = RunPhase::failed;
    status_.failure = std::move(failure);
    status_.finished_ms = finished_ms;
}

void RunProgress::set_stopped(std::int64_t finished_ms) {
    const std::lock_guard lock(mutex_);
    status_.phase = RunPhase::stopped;
    status_.finished_ms = finished_ms;
}

RunStatus RunProgress::status() const {
    const std::lock_guard lock(mutex_);
    return status_;
}

RunPhase RunProgress::phase() const {
    const std::lock_guard lock(mutex_);
    return status_.phase;
}

std::int64_t RunProgress::consumed_arrivals() const {
    const std::lock_guard lock(mutex_);
    return status_.consumed_arrivals;
}

std::int64_t RunProgress::finished_ms() const {
    const std::lock_guard lock(mutex_);
    return status_.finished_ms;
}

VirtualTime RunProgress::now() const {
    const std::lock_guard lock(mutex_);
    return status_.snapshot.now;
}

}  // namespace replayd::stream
