#pragma once
// What a cluster must hold, what it costs, and how a trial is judged by both.

#include <cstdint>
#include <map>
#include <string>

#include "replay/base/units.hpp"
#include "replay/catalog/scenario.hpp"

namespace replayd::search {

/// Limits that a cluster holds or misses; 0: no limit.
struct Objective {
    Duration ttft_p99{0};
    Duration tpot_p99{0};
    Duration e2e_p99{0};
    double attainment = 0;  ///< share of requests within the scenario's own objectives, 0 to 1
};

/// Money per GPU and hour, by the catalog's name of the GPU, in whatever currency the user thinks in.
using Prices = std::map<std::string, double, std::less<>>;

/// What one trial found. Not possible: nothing was replayed, and `reason` says why.
struct Measured {
    bool possible = false;
    bool too_many_gpus = false;  ///< why it is not possible: beyond the limit of the search
    std::string reason;
    std::int64_t gpus = 0;
    double price_per_hour = 0;
    std::int64_t requests = 0;
    std::int64_t finished = 0;
    std::int64_t rejected = 0;
    std::int64_t within_slo = 0;
    Duration ttft_p99{0};
    Duration tpot_p99{0};
    Duration e2e_p99{0};
    Tokens output_tokens{0};
    Duration span{0};   ///< virtual time from the first arrival to the last finish
    std::string hash;   ///< state hash of the run

    bool operator==(const Measured&) const = default;
};

/// GPUs of all pools.
[[nodiscard]] std::int64_t gpus_of(const Scenario& scenario);
/// Their price per hour; a GPU without a price counts as 1, so that without prices the cost is the number of GPUs.
[[nodiscard]] double price_of(const Scenario& scenario, const Prices& prices);

/// How far the worst limit is missed, as a ratio: at most 1 where all are held. Rejected requests and requests beyond the wanted
/// attainment miss it by their share. Infinity for what is not possible.
[[nodiscard]] double excess(const Measured& measured, const Objective& objective);
[[nodiscard]] inline bool holds(const Measured& measured, const Objective& objective) {
    return excess(measured, objective) <= 1;
}

/// Price of a million output tokens at the rate of the whole trial; infinity where none was made.
[[nodiscard]] double price_per_million_tokens(const Measured& measured);
/// Requests within the scenario's objectives per second of virtual time.
[[nodiscard]] double goodput(const Measured& measured);

}  // namespace replayd::search
