#pragma once
// What-if ahead of now: forks a run, runs the copies ahead under a traffic forecast on the engine's threads, and says
// which candidates hold the objectives and which of those is the cheapest. The run itself is not touched.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/stream/stream.hpp"
#include "replay/sim/look_ahead.hpp"

namespace replayd::stream {

enum class TrafficKind {
    recent,    ///< the sample before now, again and again
    seasonal,  ///< what came one period before
    ramp,      ///< as recent, at a rate that changes linearly
};

struct ForecastCandidate {
    std::string name;
    std::shared_ptr<const CompiledScenario> compiled;
    std::optional<double> cost;  ///< absent: its GPUs
};

struct ForecastRequest {
    TrafficKind traffic = TrafficKind::recent;
    Duration horizon{900 * k_ns_per_s};
    Duration sample{300 * k_ns_per_s};      ///< recent and ramp: so much of the past
    Duration period{86'400 * k_ns_per_s};   ///< seasonal
    double growth = 1;                      ///< rate at the horizon over the rate now; with any kind
    double quantile = 0.99;                 ///< as LookAheadSpec
    std::vector<ForecastCandidate> candidates;  ///< beside the run as it is
};

/// How a candidate's run came to the moment of the forecast.
enum class StartedFrom {
    fork,    ///< a copy of the run, going on under the candidate
    replay,  ///< the candidate's pools cannot take the run over: it replayed the sample before now, from empty
};

struct ForecastLine {
    std::string name;
    std::int64_t gpus = 0;
    double cost = 0;
    StartedFrom started = StartedFrom::fork;
    std::string not_forked;  ///< why, with replay
    SloSpec objectives;
    LookAheadResult result;
};

struct Forecast {
    VirtualTime at;                 ///< the moment from which it runs ahead
    std::int64_t sample_arrivals = 0;
    double arrivals_per_s = 0;      ///< of the sample
    std::vector<ForecastLine> lines;  ///< the run as it is, then the candidates in their order
    std::optional<std::size_t> cheapest;  ///< line of the cheapest that holds; the run itself where it holds
};

/// Blocks until all are there: for the task pool. Errors: `invalid_argument` (no objective, no arrivals in the sample),
/// `too_large` (a sample of more than 200,000 arrivals), `failed_state` (the run has failed), `unavailable` (it took
/// more than a minute), those of the log.
[[nodiscard]] Result<Forecast> forecast(Stream& stream, const std::shared_ptr<RunWorker>& run,
                                        const ForecastRequest& request);

}  // namespace replayd::stream
