#pragma once
// The arrivals that are expected: those of a sample of the past again, as often or ever more often.

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "replay/base/units.hpp"
#include "replay/trace/arrival.hpp"

namespace replayd {

/// How the sample goes on.
struct TrafficForecastSpec {
    VirtualTime from;         ///< the forecast begins here
    Duration horizon{0};      ///< and is so long; > 0
    VirtualTime sample_from;  ///< of the past that the sample covers
    Duration sample_span{0};  ///< > 0; the sample is repeated after it
    double growth = 1;        ///< rate at the end over the rate at the beginning; it changes linearly between. > 0
};

/// Arrivals of the future, in order of time. Prompts are new, but what several prompts of the sample share (a system
/// prompt) stays shared. Deterministic.
class TrafficForecast {
public:
    /// `sample`: arrivals of [sample_from, sample_from + sample_span) in order; shared by several forecasts.
    TrafficForecast(const TrafficForecastSpec& spec, std::shared_ptr<const std::vector<Arrival>> sample);

    /// Makes `arrival`, an empty one, the next arrival before from + horizon; false if there is none. It has all that a
    /// run decides by, and the id of every other one.
    [[nodiscard]] bool next(Arrival& arrival);

private:
    [[nodiscard]] VirtualTime time_of(double nominal_ns) const;
    void renew_hashes(Arrival& arrival) const;

    TrafficForecastSpec spec_;
    std::shared_ptr<const std::vector<Arrival>> sample_;
    std::unordered_map<std::uint64_t, std::int32_t> uses_;  ///< in how many prompts of the sample a hash is
    std::size_t index_ = 0;
    std::int64_t round_ = 0;   ///< repetitions of the sample that lie behind
    std::int64_t made_ = 0;
    VirtualTime last_;
};

}  // namespace replayd
