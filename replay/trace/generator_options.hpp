#pragma once
// What a synthetic trace looks like: when requests arrive, how long they are, how they hang together.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/base/units.hpp"

namespace replayd {

enum class ArrivalLaw : std::uint8_t {
    poisson,  ///< exponential gaps
    gamma,    ///< gamma-distributed gaps with a chosen coefficient of variation
    burst,    ///< Poisson whose rate jumps at the start of every period
    diurnal,  ///< Poisson whose rate swings as a cosine: low at time 0, high half a period later
};

/// The law of that name. Error invalid_argument with the nearest name.
[[nodiscard]] Result<ArrivalLaw> parse_arrival_law(std::string_view name);

struct ArrivalOptions {
    ArrivalLaw law = ArrivalLaw::poisson;
    double rate_per_s = 1.0;         ///< mean requests a second over whole periods; 1e-6 to 1e6
    double gamma_cv = 2.0;           ///< coefficient of variation of the gaps; 0.01 to 100, less at tiny rates
    double burst_factor = 5.0;       ///< rate inside a burst over the rate outside; 1 to 1e6
    double burst_period_s = 60.0;    ///< from one burst's start to the next; more than its length, to 1e8
    double burst_length_s = 10.0;    ///< 0.001 or more
    double diurnal_period_s = 86'400.0;  ///< 0.001 to 1e8
    double diurnal_amplitude = 0.8;  ///< swing over the mean; 0 to 1
};

/// Token lengths: drawn from `samples` with equal chances when there are any, otherwise log-normal with
/// draws beyond the bounds set to the bound.
struct LengthLaw {
    std::vector<std::int64_t> samples;  ///< 1 or more each
    double median_tokens = 1'000.0;     ///< 1 to 1e8
    double sigma = 1.0;                 ///< of the logarithm; 0 to 10
    std::int64_t min_tokens = 1;        ///< 1 or more
    std::int64_t max_tokens = 8'192;    ///< min_tokens to 2^31-1
};

/// Turns of a session: each prompt repeats everything before it, so its prefix hashes begin with those of
/// the turn before. Prompt lengths of LengthLaw are what the user adds in a turn.
struct ConversationOptions {
    double mean_turns = 1.0;               ///< geometric; 1 to 1000
    double think_mean_s = 30.0;            ///< exponential time from one turn's arrival to the next; 0 to 1e6
    std::int64_t system_prompts = 1;       ///< number of different system prompts; 1 or more
    std::int64_t system_tokens = 0;        ///< length of each, at the front of every prompt; 0 or more
    std::int64_t context_tokens_max = 131'072;  ///< a session ends before prompt + output pass it
};

struct GeneratorOptions {
    std::uint64_t seed = 1;
    std::optional<std::int64_t> count;  ///< stop after so many requests; 1 or more
    std::optional<Duration> duration;   ///< stop before this virtual time; more than 0
    ArrivalOptions arrivals;
    LengthLaw prompt{{}, 1'000.0, 1.0, 1, 16'384};
    LengthLaw output{{}, 200.0, 0.8, 1, 2'048};
    ConversationOptions conversations;
    std::string model;                  ///< of every request; may be empty
};

/// The first option outside the range stated above, or a combination that cannot be (no end, a prompt
/// longer than the context): "OPTION is VALUE: expected ...". Nothing when all fit.
[[nodiscard]] std::optional<std::string> violation(const GeneratorOptions& options);

}  // namespace replayd
