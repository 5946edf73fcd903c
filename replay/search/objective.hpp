#pragma once
// What a cluster must hold, what it costs, and how a trial is judged by both.

#include <cstdint>
#include <map>
#include <string>

#include "replay/base/units.hpp"
#include "replay/catalog/scenario.hpp"
#include "replay/sim/records.hpp"

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
    double price_per_hour = 0;  ///< where replicas come and go: that of all, times the share of their GPU time that was
                                ///< paid
    std::int64_t prefill_replicas = 0;  ///< 0 on clusters that are not disaggregated, as the three below
    std::int64_t decode_replicas = 0;
    std::int64_t prefill_gpus = 0;      ///< of all prefill replicas
    std::int64_t decode_gpus = 0;
    /// Arrivals after which the objective could no longer hold, so that the rest was not replayed; 0: all was. The
    /// figures below are those until then, which miss the objective too.
    std::int64_t stopped_after = 0;
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

/// Counts the misses of a trial while it runs. Once `lost`, its objective cannot hold any more, whatever the requests
/// that have not finished come to: p99 of `requests` values is above a limit for certain when more than a hundredth of
/// them are.
class MissCounter {
public:
    /// `requests`: of the whole trial; `with_tpot`: those with two output tokens or more.
    MissCounter(const Objective& objective, std::int64_t requests, std::int64_t with_tpot);

    /// The next finished or rejected request; `within_slo` as the windows count it.
    void count(const RequestRecord& record, bool within_slo);
    [[nodiscard]] bool lost() const { return lost_; }

private:
    struct Limit {
        Duration most{0};          ///< 0: none
        std::int64_t spare = 0;    ///< requests that may still miss it
    };
    void spend(Limit& limit, Duration found);

    Limit ttft_;
    Limit tpot_;
    Limit e2e_;
    std::int64_t spare_within_ = 0;  ///< requests that may still miss the scenario's own objectives
    bool lost_ = false;
};

/// Price per hour of the fewest replicas that the scenario's pools can have: without autoscaling its price_of().
[[nodiscard]] double least_price_of(const Scenario& scenario, const Prices& prices);
/// Whether replicas come and go: then what it costs is known when it has run.
[[nodiscard]] bool scales(const Scenario& scenario);

/// Fills in GPUs, replicas by role and price.
void describe(const Scenario& scenario, const Prices& prices, Measured& out);

/// GPUs of all pools.
[[nodiscard]] std::int64_t gpus_of(const Scenario& scenario);
/// Their price per hour; a GPU without a price counts as 1, so that without prices the cost is the number of GPUs.
[[nodiscard]] double price_of(const Scenario& scenario, const Prices& prices);

/// How far the worst limit is missed, as a ratio: at most 1 where all are held. Rejected requests and requests beyond
/// the wanted attainment miss it by their share. Infinity for what is not possible.
[[nodiscard]] double excess(const Measured& measured, const Objective& objective);
[[nodiscard]] inline bool holds(const Measured& measured, const Objective& objective) {
    return excess(measured, objective) <= 1;
}

/// Price of a million output tokens at the rate of the whole trial; infinity where none was made.
[[nodiscard]] double price_per_million_tokens(const Measured& measured);
/// Requests within the scenario's objectives per second of virtual time.
[[nodiscard]] double goodput(const Measured& measured);

}  // namespace replayd::search
