#include "replay/sim/look_ahead.hpp"

#include <algorithm>

namespace replayd {
namespace {

/// That are made before the run goes on: they are still in the caches when it comes to them.
constexpr std::size_t k_batch_arrivals = 256;

std::optional<Duration> quantile_of(const Histogram& histogram, double quantile) {
    if (histogram.count() == 0) return std::nullopt;
    return Duration(histogram.quantile(quantile));
}

/// Keeps the first window whose `value` is beyond `objective` (0: none).
void keep_first(std::optional<VirtualTime>& first, VirtualTime start, std::optional<Duration> value,
                Duration objective) {
    if (!first && objective > Duration(0) && value && *value > objective) first = start;
}

}  // namespace

std::optional<VirtualTime> LookAheadResult::first_break() const {
    std::optional<VirtualTime> first;
    for (const auto& each : {ttft_break, tpot_break, rejection}) {
        if (each && (!first || *each < *first)) first = each;
    }
    return first;
}

void LookAhead::Sink::on_window(WindowRecord&& window) {
    if (window.start + window.length <= spec_.from || window.start >= spec_.from + spec_.horizon) return;
    const ForecastWindow line{std::max(window.start, spec_.from),          window.length,  window.arrived,
                              window.finished,                            window.within_slo, window.waiting,
                              quantile_of(window.ttft, spec_.quantile), quantile_of(window.tpot, spec_.quantile)};
    keep_first(result.ttft_break, line.start, line.ttft, spec_.objectives.ttft);
    keep_first(result.tpot_break, line.start, line.tpot, spec_.objectives.tpot);
    if (!result.rejection && window.rejected > 0) result.rejection = line.start;
    result.arrived += window.arrived;
    result.finished += window.finished;
    result.rejected += window.rejected;
    result.within_slo += window.within_slo;
    result.ttft.merge(window.ttft);
    result.tpot.merge(window.tpot);
    result.windows.push_back(line);
}

bool LookAhead::step(int arrivals) {
    while (arrivals > 0) {
        const std::size_t most = std::min(static_cast<std::size_t>(arrivals), k_batch_arrivals);
        const auto batch = std::make_shared<std::vector<Arrival>>(most);
        std::size_t made = 0;
        while (made < batch->size() && traffic_.next((*batch)[made])) ++made;
        run_.offer(batch, 0, made);
        if (made < batch->size()) {
            run_.advance(spec_.from + spec_.horizon);
            return false;
        }
        run_.advance(batch->back().at);
        arrivals -= static_cast<int>(made);
    }
    return true;
}

}  // namespace replayd
