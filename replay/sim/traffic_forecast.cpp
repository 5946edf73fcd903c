#include "replay/sim/traffic_forecast.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "replay/base/assert.hpp"

namespace replayd {
namespace {

/// Odd, so that different rounds give different hashes: the golden ratio in 64 bits (Knuth's multiplicative hashing).
constexpr std::uint64_t k_mixer = 0x9e3779b97f4a7c15ULL;

}  // namespace

TrafficForecast::TrafficForecast(const TrafficForecastSpec& spec, std::shared_ptr<const std::vector<Arrival>> sample)
    : spec_(spec), sample_(std::move(sample)), last_(spec.from) {
    REPLAYD_ASSERT(spec_.horizon > Duration(0) && spec_.sample_span > Duration(0) && spec_.growth > 0);
    for (const Arrival& arrival : *sample_) {
        for (const std::uint64_t hash : arrival.prefix_hashes) ++uses_[hash];
    }
}

/// When the arrival that would come `nominal_ns` after the beginning at an even rate comes: the rate grows linearly, so
/// the number of arrivals by t is that of t + a·t²/2 at the even rate, with a = (growth - 1) / horizon.
VirtualTime TrafficForecast::time_of(double nominal_ns) const {
    const double a = (spec_.growth - 1) / static_cast<double>(spec_.horizon.value);
    double at = nominal_ns;
    if (a != 0) {
        const double square = 1 + 2 * a * nominal_ns;
        // A rate that falls makes so many arrivals and no more.
        if (square < 0) return VirtualTime(INT64_MAX);
        at = 2 * nominal_ns / (1 + std::sqrt(square));
    }
    if (at >= static_cast<double>(spec_.horizon.value)) return VirtualTime(INT64_MAX);
    return spec_.from + Duration(std::llround(at));
}

void TrafficForecast::renew_hashes(Arrival& arrival) const {
    const std::uint64_t change = (static_cast<std::uint64_t>(made_) + 1) * k_mixer;
    for (std::uint64_t& hash : arrival.prefix_hashes) {
        if (uses_.at(hash) == 1) hash ^= change;
    }
}

bool TrafficForecast::next(Arrival& arrival) {
    if (sample_->empty()) return false;
    if (index_ == sample_->size()) {
        index_ = 0;
        ++round_;
    }
    const Arrival& like = (*sample_)[index_++];
    const double nominal_ns = static_cast<double>((like.at - spec_.sample_from).value) +
                              static_cast<double>(round_) * static_cast<double>(spec_.sample_span.value);
    const VirtualTime at = time_of(nominal_ns);
    if (at >= spec_.from + spec_.horizon) return false;
    arrival.id = "forecast";
    arrival.at = last_ = std::max(last_, at);
    arrival.prompt = like.prompt;
    arrival.output = like.output;
    arrival.prefix_block = like.prefix_block;
    // Most requests have none of these.
    if (!like.conversation.empty()) arrival.conversation = like.conversation;
    if (!like.slo_class.empty()) arrival.slo_class = like.slo_class;
    if (!like.prefix_hashes.empty()) arrival.prefix_hashes = like.prefix_hashes;
    renew_hashes(arrival);
    ++made_;
    return true;
}

}  // namespace replayd
