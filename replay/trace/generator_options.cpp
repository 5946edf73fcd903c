#include "replay/trace/generator_options.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <locale>
#include <sstream>

#include "replay/base/nearest_name.hpp"
#include "replay/trace/text.hpp"

namespace replayd {
namespace {

using Found = std::optional<std::string>;

constexpr std::int64_t k_tokens_max = std::numeric_limits<std::int32_t>::max();
// About half of what virtual time can count, so that no sum of gaps overflows: 146 years.
constexpr double k_span_max_s = 4.6e9;
// Scale of a gamma gap, cv²/rate of sessions: 40 times it, beyond any draw, must fit beside the span.
constexpr double k_gamma_scale_max_s = 1e8;

template <class Number>
std::string shown(Number value) {
    std::ostringstream text;
    text.imbue(std::locale::classic());
    text << value;
    return text.str();
}

template <class Number>
Found outside(std::string_view name, Number value, Number low, Number high) {
    if (value >= low && value <= high) return std::nullopt;  // false for NaN
    return std::string(name) + " is " + shown(value) + ": expected " + shown(low) + " to " + shown(high);
}

Found check(const ArrivalOptions& options, double mean_turns) {
    if (auto found = outside("rate_per_s", options.rate_per_s, 1e-6, 1e6)) return found;
    switch (options.law) {
        case ArrivalLaw::poisson: return std::nullopt;
        case ArrivalLaw::gamma:
            return outside("gamma_cv", options.gamma_cv, 0.01,
                           std::min(100.0, std::sqrt(k_gamma_scale_max_s * options.rate_per_s / mean_turns)));
        case ArrivalLaw::burst:
            if (auto found = outside("burst_factor", options.burst_factor, 1.0, 1e6)) return found;
            if (auto found = outside("burst_period_s", options.burst_period_s, 0.002, 1e8)) return found;
            return outside("burst_length_s", options.burst_length_s, 0.001, options.burst_period_s - 0.001);
        case ArrivalLaw::diurnal:
            if (auto found = outside("diurnal_period_s", options.diurnal_period_s, 0.001, 1e8)) return found;
            return outside("diurnal_amplitude", options.diurnal_amplitude, 0.0, 1.0);
    }
    return std::nullopt;
}

Found check(const std::string& name, const LengthLaw& law) {
    for (std::size_t i = 0; i < law.samples.size(); ++i) {
        const std::string sample = name + ".samples[" + std::to_string(i) + "]";
        if (auto found = outside(sample, law.samples[i], std::int64_t{1}, k_tokens_max)) return found;
    }
    if (!law.samples.empty()) return std::nullopt;
    if (auto found = outside(name + ".median_tokens", law.median_tokens, 1.0, 1e8)) return found;
    if (auto found = outside(name + ".sigma", law.sigma, 0.0, 10.0)) return found;
    if (auto found = outside(name + ".min_tokens", law.min_tokens, std::int64_t{1}, k_tokens_max)) return found;
    return outside(name + ".max_tokens", law.max_tokens, law.min_tokens, k_tokens_max);
}

std::int64_t longest(const LengthLaw& law) {
    return law.samples.empty() ? law.max_tokens : *std::max_element(law.samples.begin(), law.samples.end());
}

Found check(const ConversationOptions& options) {
    if (auto found = outside("mean_turns", options.mean_turns, 1.0, 1000.0)) return found;
    if (auto found = outside("think_mean_s", options.think_mean_s, 0.0, 1e6)) return found;
    if (auto found = outside("system_prompts", options.system_prompts, std::int64_t{1}, k_tokens_max)) return found;
    if (auto found = outside("system_tokens", options.system_tokens, std::int64_t{0}, k_tokens_max)) return found;
    return outside("context_tokens_max", options.context_tokens_max, std::int64_t{2}, k_tokens_max);
}

Found check_end(const GeneratorOptions& options) {
    if (!options.count && !options.duration) return "count and duration are missing: expected one of them, or both";
    if (options.duration) {
        constexpr auto k_span_max_ns = static_cast<std::int64_t>(k_span_max_s * 1e9);
        if (auto found = outside("duration_ns", options.duration->value, std::int64_t{1}, k_span_max_ns)) return found;
    }
    if (!options.count) return std::nullopt;
    if (*options.count < 1) return "count is " + shown(*options.count) + ": expected 1 or more";
    const double span_s = static_cast<double>(*options.count) / options.arrivals.rate_per_s;
    if (options.duration || span_s <= k_span_max_s / 2) return std::nullopt;
    return "count is " + shown(*options.count) + ": expected at most " +
           shown(static_cast<std::int64_t>(k_span_max_s / 2 * options.arrivals.rate_per_s)) + " at rate_per_s " +
           shown(options.arrivals.rate_per_s) + ", or the trace lasts over 70 years";
}

}  // namespace

Result<ArrivalLaw> parse_arrival_law(std::string_view name) {
    // In the order of ArrivalLaw.
    const std::vector<std::string> names = {"poisson", "gamma", "burst", "diurnal"};
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end()) return static_cast<ArrivalLaw>(found - names.begin());
    const std::string nearest = nearest_name(name, names);
    return wrong_value("arrival law", name,
                       "poisson, gamma, burst or diurnal" + (nearest.empty() ? "" : "; did you mean " + nearest + "?"));
}

std::optional<std::string> violation(const GeneratorOptions& options) {
    if (auto found = check("prompt", options.prompt)) return found;
    if (auto found = check("output", options.output)) return found;
    if (auto found = check(options.conversations)) return found;
    if (auto found = check(options.arrivals, options.conversations.mean_turns)) return found;
    if (auto found = check_end(options)) return found;
    if (!is_utf8(options.model)) return "model is " + quoted(options.model) + ": expected text in UTF-8";
    const std::int64_t longest_first =
        options.conversations.system_tokens + longest(options.prompt) + longest(options.output);
    if (longest_first <= options.conversations.context_tokens_max) return std::nullopt;
    return "context_tokens_max is " + shown(options.conversations.context_tokens_max) + ": expected at least " +
           shown(longest_first) + ", the longest system prompt, prompt and output together";
}

}  // namespace replayd
