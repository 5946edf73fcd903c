#include "replay/sim/residuals.hpp"

#include <cmath>
#include <cstdlib>
#include <utility>

#include "replay/base/assert.hpp"

namespace replayd {

void ResidualSums::add(std::int64_t was_predicted, std::int64_t was_observed, std::int64_t base) {
    const std::int64_t error = std::abs(was_predicted - was_observed);
    ++count;
    predicted += was_predicted;
    observed += was_observed;
    scale += base;
    absolute_errors.record(error);
    if (was_observed <= 0) return;
    relative_errors += static_cast<double>(error) / static_cast<double>(was_observed);
    ++relative_count;
}

void ResidualSums::merge(const ResidualSums& other) {
    count += other.count;
    predicted += other.predicted;
    observed += other.observed;
    scale += other.scale;
    relative_errors += other.relative_errors;
    relative_count += other.relative_count;
    absolute_errors.merge(other.absolute_errors);
    alarm = alarm || other.alarm;
}

std::optional<double> ResidualSums::bias() const {
    if (scale <= 0) return std::nullopt;
    return static_cast<double>(predicted - observed) / static_cast<double>(scale);
}

std::optional<double> ResidualSums::mape() const {
    if (relative_count == 0) return std::nullopt;
    return relative_errors / static_cast<double>(relative_count);
}

void append_residuals(ResidualWindow& into, const ResidualWindow& next) {
    REPLAYD_ASSERT(next.start >= into.start);
    into.length = next.start + next.length - into.start;
    for (std::size_t i = 0; i < k_residual_metrics; ++i) into.metrics[i].merge(next.metrics[i]);
}

std::optional<ResidualWindow> ResidualTracker::add(const RequestRecord& record) {
    const bool nothing =
        !record.observed_ttft && !record.observed_e2e && !record.observed_tpot && !record.observed_cached;
    if (nothing || record.outcome != Outcome::finished) return std::nullopt;
    const VirtualTime start(record.finished.ns / rule_.window.value * rule_.window.value);
    std::optional<ResidualWindow> closed;
    if (current_ && current_->start != start) closed = finish();
    if (!current_) current_ = ResidualWindow{start, rule_.window, {}};
    const auto compare = [&](ResidualMetric metric, std::optional<Duration> predicted,
                             std::optional<Duration> observed) {
        if (predicted && observed) (*current_)[metric].add(predicted->value, observed->value, observed->value);
    };
    compare(ResidualMetric::ttft, record.ttft(), record.observed_ttft);
    compare(ResidualMetric::tpot, record.tpot(), record.observed_gap());
    compare(ResidualMetric::e2e, record.e2e(), record.observed_e2e);
    if (record.observed_cached) {
        (*current_)[ResidualMetric::cached_tokens].add(record.cached.value, record.observed_cached->value,
                                                       record.prompt.value);
    }
    return closed;
}

std::optional<ResidualWindow> ResidualTracker::finish() {
    if (current_) judge(*current_);
    return std::exchange(current_, std::nullopt);
}

void ResidualTracker::judge(ResidualWindow& window) {
    for (std::size_t i = 0; i < k_residual_metrics; ++i) {
        ResidualSums& sums = window.metrics[i];
        Streak& streak = streaks_[i];
        const auto bias = sums.bias();
        if (sums.count >= rule_.requests_min && bias) {
            const bool cache = static_cast<ResidualMetric>(i) == ResidualMetric::cached_tokens;
            const bool off = std::fabs(*bias) > (cache ? rule_.cache_bias : rule_.bias);
            streak.off = off ? streak.off + 1 : 0;
            streak.near = off ? 0 : streak.near + 1;
            if (streak.off >= rule_.windows) streak.alarm = true;
            if (streak.near >= rule_.windows) streak.alarm = false;
        }
        sums.alarm = streak.alarm;
    }
}

}  // namespace replayd
