#include "replay/trace/arrival_process.hpp"

#include <cmath>
#include <numbers>

namespace replayd {
namespace {

// Highest rate of a law whose mean over whole periods is `rate_per_s`.
double highest_rate(const ArrivalOptions& options, double rate_per_s) {
    switch (options.law) {
        case ArrivalLaw::poisson:
        case ArrivalLaw::gamma: return rate_per_s;
        case ArrivalLaw::burst: {
            const double share = options.burst_length_s / options.burst_period_s;
            return rate_per_s * options.burst_factor / (1.0 - share + options.burst_factor * share);
        }
        case ArrivalLaw::diurnal: return rate_per_s * (1.0 + options.diurnal_amplitude);
    }
    return rate_per_s;
}

std::int64_t to_ns(double seconds) { return std::llround(seconds * static_cast<double>(k_ns_per_s)); }

}  // namespace

ArrivalProcess::ArrivalProcess(const ArrivalOptions& options, double rate_per_s, std::uint64_t seed)
    : options_(options), rate_max_per_s_(highest_rate(options, rate_per_s)), random_(seed) {}

Duration ArrivalProcess::gap() {
    if (options_.law != ArrivalLaw::gamma) return Duration(to_ns(random_.exponential(1.0 / rate_max_per_s_)));
    // Mean shape·scale = 1/rate, coefficient of variation 1/sqrt(shape).
    const double variance = options_.gamma_cv * options_.gamma_cv;
    return Duration(to_ns(random_.gamma(1.0 / variance, variance / rate_max_per_s_)));
}

double ArrivalProcess::acceptance() const {
    if (options_.law == ArrivalLaw::burst) {
        const bool inside = at_.ns % to_ns(options_.burst_period_s) < to_ns(options_.burst_length_s);
        return inside ? 1.0 : 1.0 / options_.burst_factor;
    }
    if (options_.law == ArrivalLaw::diurnal) {
        const std::int64_t period_ns = to_ns(options_.diurnal_period_s);
        const double phase = static_cast<double>(at_.ns % period_ns) / static_cast<double>(period_ns);
        const double swing = options_.diurnal_amplitude;
        return (1.0 - swing * std::cos(2.0 * std::numbers::pi * phase)) / (1.0 + swing);
    }
    return 1.0;
}

VirtualTime ArrivalProcess::next() {
    for (;;) {
        at_ = at_ + gap();
        const double chance = acceptance();
        if (chance >= 1.0 || random_.uniform() < chance) return at_;
    }
}

}  // namespace replayd
