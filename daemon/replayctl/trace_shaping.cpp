#include "daemon/replayctl/trace_shaping.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/net/quoted.hpp"
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

Tokens scaled(Tokens tokens, double scale) {
    return Tokens(std::max<std::int64_t>(1, std::llround(static_cast<double>(tokens.value) * scale)));
}

/// Keeps the hashes of the blocks that still hold what they held.
void fit_hashes(Arrival& arrival, Tokens before) {
    if (arrival.prefix_hashes.empty()) return;
    const std::int64_t block = arrival.prefix_block.value;
    const bool longer = arrival.prompt > before;
    const std::int64_t blocks = longer ? before.value / block : ceil_div(arrival.prompt.value, block);
    if (std::cmp_less(blocks, arrival.prefix_hashes.size()))
        arrival.prefix_hashes.resize(static_cast<std::size_t>(blocks));
    if (arrival.prefix_hashes.empty()) arrival.prefix_block = Tokens(0);
}

bool forget_observed(Arrival& arrival) {
    const bool any = arrival.observed_ttft || arrival.observed_e2e || arrival.observed_tpot || arrival.observed_cached;
    arrival.observed_ttft = arrival.observed_e2e = arrival.observed_tpot = std::nullopt;
    arrival.observed_cached = std::nullopt;
    return any;
}

Result<void> check_scale(const std::string& option, double value, const std::string& range, double least, double most) {
    if (value >= least && value <= most) return {};
    return fail(Code::invalid_argument, option + " is " + decimal_text(value, 6) + ": expected " + range);
}

}  // namespace

Result<void> check_shaping(const ShapingOptions& options) {
    if (!(options.sample > 0 && options.sample <= 1)) {
        return fail(Code::invalid_argument,
                    "--sample is " + decimal_text(options.sample, 6) + ": expected more than 0, at most 1");
    }
    return check_scale("--time-scale", options.time_scale, "0.000001 to 1000000", 1e-6, 1e6)
        .and_then([&] { return check_scale("--prompt-scale", options.prompt_scale, "0.001 to 1000", 1e-3, 1e3); })
        .and_then([&] { return check_scale("--output-scale", options.output_scale, "0.001 to 1000", 1e-3, 1e3); });
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

Result<void> TraceShaper::scale(Arrival& arrival) {
    const Tokens before = arrival.prompt;
    arrival.prompt = scaled(arrival.prompt, options_.prompt_scale);
    arrival.output = scaled(arrival.output, options_.output_scale);
    fit_hashes(arrival, before);
    if (forget_observed(arrival)) ++unobserved_;
    const auto wrong = violation(arrival);
    if (!wrong) return {};
    return fail(Code::invalid_argument,
                "request " + net::quoted(arrival.id) + " by --prompt-scale and --output-scale: " + *wrong);
}

Result<void> TraceShaper::shape(std::vector<Arrival>& arrivals) {
    left_out_ +=
        static_cast<std::int64_t>(std::erase_if(arrivals, [this](const Arrival& arrival) { return !keeps(arrival); }));
    for (Arrival& arrival : arrivals) {
        move(arrival);
        if (!options_.changes_lengths()) continue;
        if (auto changed = scale(arrival); !changed) return changed;
    }
    return {};
}

}  // namespace replayd::ctl
