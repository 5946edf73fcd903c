#include "daemon/stream/run_records.hpp"

#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "daemon/config/log.hpp"

namespace replayd::stream {
namespace {

/// Records handed to the history at a time, at most.
constexpr std::size_t k_chunk_records = 1000;
/// Where few of them get a row, so many are looked at in one go: they stay in the cache of the core.
constexpr std::size_t k_small_chunk_records = 128;

}  // namespace

RunRecords::RunRecords(const RunIdentity& run, RunProgress& progress, storage::History& history, Observer& observer)
    : run_(run),
      progress_(progress),
      history_(history),
      observer_(observer),
      residuals_(run.compiled ? run.compiled->scenario.drift : DriftSpec{}),
      chunk_records_(run.request_rows.keeps_all() ? k_chunk_records : k_small_chunk_records) {
    if (run.compiled) classes_.emplace(run.compiled->scenario);
}

void RunRecords::on_request(RequestRecord&& record) {
    take(residuals_.add(record));
    if (requests_.empty()) requests_.reserve(requests_expected_);
    requests_.push_back(std::move(record));
    if (requests_.size() >= chunk_records_) flush();
}

void RunRecords::on_window(WindowRecord&& window) {
    auto shared = std::make_shared<const WindowRecord>(window);
    progress_.add_window(shared);
    observer_.on_window(run_, shared);
    windows_.push_back(std::move(window));
}

void RunRecords::flush() {
    if (!requests_.empty()) {
        requests_expected_ = requests_.size();
        progress_.add_requests(requests_);
        observer_.on_requests(run_, requests_);
        keep_rows();
    }
    if (!windows_.empty()) history_.add_window(run_.id, std::exchange(windows_, {}));
}

void RunRecords::finish() {
    take(residuals_.finish());
    flush();
}

/// Hands on what gets a row, and counts the rest.
void RunRecords::keep_rows() {
    const storage::RequestPolicy& policy = run_.request_rows;
    if (policy.keeps_all()) return history_.add_requests(run_.id, std::exchange(requests_, {}));
    std::vector<RequestRecord> kept;
    for (RequestRecord& record : requests_) {
        if (policy.keeps(record, *classes_)) kept.push_back(std::move(record));
    }
    left_out_ += static_cast<std::int64_t>(requests_.size() - kept.size());
    progress_.set_left_out(left_out_);
    requests_.clear();
    if (!kept.empty()) history_.add_requests(run_.id, std::move(kept));
}

void RunRecords::take(std::optional<ResidualWindow> window) {
    if (!window) return;
    tell_alarms(*window);
    progress_.add_residuals(std::make_shared<const ResidualWindow>(*window));
    history_.add_residuals(run_.id, {std::move(*window)});
}

/// Logs alarms that this window raised or took back.
void RunRecords::tell_alarms(const ResidualWindow& window) {
    for (std::size_t i = 0; i < k_residual_metrics; ++i) {
        const ResidualSums& sums = window.metrics[i];
        if (sums.alarm == alarms_[i]) continue;
        alarms_[i] = sums.alarm;
        config::log(sums.alarm ? config::LogLevel::warn : config::LogLevel::info,
                    sums.alarm ? "drift_alarm_raised" : "drift_alarm_cleared",
                    {{"run", run_.id},
                     {"stream", run_.stream},
                     {"scenario", run_.scenario},
                     {"metric", std::string(k_residual_metric_names[i])},
                     {"window_start_ns", window.start.ns},
                     {"bias_percent", std::llround(100 * sums.bias().value_or(0))}});
    }
}

}  // namespace replayd::stream
