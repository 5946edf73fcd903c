#include "replay/search/fronts.hpp"

#include <limits>
#include <vector>

#include "replay/search/pareto.hpp"

namespace replayd::search {

double throughput_per_gpu(const Measured& measured) {
    if (measured.span.value <= 0 || measured.gpus <= 0) return 0;
    return static_cast<double>(measured.output_tokens.value) / to_seconds(measured.span) /
           static_cast<double>(measured.gpus);
}

double yield_of(const Measured& measured, Yield yield) {
    return yield == Yield::price ? measured.price_per_hour : throughput_per_gpu(measured);
}

Duration latency_of(const Measured& measured, Latency latency) {
    return latency == Latency::ttft ? measured.ttft_p99 : measured.tpot_p99;
}

bool is_complete(const Measured& measured) {
    return measured.possible && measured.rejected == 0 && measured.stopped_after == 0;
}

std::size_t Fronts::place(const FrontKind& kind) {
    return (kind.yield == Yield::price ? 0U : 2U) + (kind.latency == Latency::ttft ? 0U : 1U);
}

Fronts::Fronts(std::span<const Trial> results, const Outcomes& outcomes) {
    std::vector<Figures> figures(results.size());
    for (const FrontKind& kind : k_fronts) {
        for (std::size_t i = 0; i < results.size(); ++i) {
            const Measured& measured = outcomes.at(results[i]);
            const double yield = yield_of(measured, kind.yield);
            figures[i].first = kind.yield == Yield::price ? yield : -yield;  // smaller is better there
            figures[i].second = is_complete(measured) ? static_cast<double>(latency_of(measured, kind.latency).value)
                                                      : std::numeric_limits<double>::infinity();
        }
        for (const std::size_t i : pareto_front(figures)) members_[place(kind)].insert(results[i]);
    }
}

}  // namespace replayd::search
