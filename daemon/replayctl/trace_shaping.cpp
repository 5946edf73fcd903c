#include "daemon/replayctl/trace_shaping.hpp"

#include <cmath>
#include <string>
#include <string_view>

#include "daemon/replayctl/human_text.hpp"

namespace replayd::ctl {
namespace {

/// FNV-1a in 64 bits (Fowler, Noll, Vo), then the finalizer of MurmurHash3, so that its high bits depend on every byte.
std::uint64_t hash_of(std::string_view text, std::uint64_t seed) {
    std::uint64_t hash = 0xcbf29ce484222325ULL ^ (seed * 0x9e3779b97f4a7c15ULL);
    for (const char character : text) {
        hash ^= static_cast<unsigned char>(character);
        hash *= 0x100000001b3ULL;
    }
    hash ^= hash >> 33;
    hash *= 0xff51afd7ed558ccdULL;
    hash ^= hash >> 33;
    hash *= 0xc4ceb9fe1a85ec53ULL;
    return hash ^ (hash >> 33);
}

}  // namespace

Result<void> check_shaping(const ShapingOptions& options) {
    if (!(options.sample > 0 && options.sample <= 1)) {
        return fail(Code::invalid_argument, "--sample is " + decimal_text(options.sample, 6) + ": expected more than 0, at most 1");
    }
    if (!(options.time_scale >= 1e-6 && options.time_scale <= 1e6)) {
        return fail(Code::invalid_argument,
                    "--time-scale is " + decimal_text(options.time_scale, 6) + ": expected 0.000001 to 1000000");
    }
    return {};
}

bool TraceShaper::keeps(const Arrival& arrival) const {
    if (options_.sample >= 1) return true;
    const std::string& whole = arrival.conversation.empty() ? arrival.id : arrival.conversation;
    // 53 bits: what a double holds exactly.
    return std::ldexp(static_cast<double>(hash_of(whole, options_.seed) >> 11), -53) < options_.sample;
}

void TraceShaper::move(Arrival& arrival) {
    if (!first_) first_ = last_ = arrival.at;
    if (options_.time_scale != 1) {
        const double scaled = static_cast<double>((arrival.at - *first_).value) * options_.time_scale;
        arrival.at = *first_ + Duration(std::llround(scaled));
    }
    const Duration pause = arrival.at - last_;
    last_ = arrival.at;
    if (options_.idle_max && pause > *options_.idle_max) {
        cut_ += pause - *options_.idle_max;
        ++pauses_cut_;
    }
    arrival.at = arrival.at - cut_;
}

void TraceShaper::shape(std::vector<Arrival>& arrivals) {
    left_out_ += static_cast<std::int64_t>(std::erase_if(arrivals, [this](const Arrival& arrival) { return !keeps(arrival); }));
    for (Arrival& arrival : arrivals) move(arrival);
}

}  // namespace replayd::ctl
