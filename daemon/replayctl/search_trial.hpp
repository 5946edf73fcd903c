#pragma once
// One trial of a search: a candidate cluster replays the trace, or a part of it, and is measured.

#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "daemon/replayctl/scenario_source.hpp"
#include "replay/search/methods.hpp"
#include "replay/search/search_toml.hpp"
#include "replay/sim/run.hpp"
#include "replay/trace/arrival.hpp"

namespace replayd::ctl {

/// Clusters that were composed, for candidates that differ from one in nothing but replicas. Any thread.
class PricedScenarios {
public:
    /// Composes the scenario that `settings` made. Errors as of compile().
    [[nodiscard]] Result<std::shared_ptr<const CompiledScenario>> compile(Scenario scenario,
                                                                          const search::Settings& settings);

private:
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<const CompiledScenario>> known_;  ///< by the settings that are not replicas
};

/// What every trial of a search shares; all outlive the trials.
struct SearchInput {
    const ScenarioSource& scenarios;
    const search::SearchSpec& spec;
    const search::Space& space;
    std::span<const Arrival> arrivals;
    PricedScenarios& priced;
};

/// The arrival as it comes when the trace is `load_permille` / 1000 times as fast. Rounded down, which keeps the order.
[[nodiscard]] Arrival under_load(const Arrival& arrival, std::int64_t load_permille);

/// Replays the trial. A candidate whose text is refused, which does not fit or has too many GPUs is not possible, and
/// the result says why. With `stop_early` of the method it ends when its objective can no longer hold. Any thread.
[[nodiscard]] search::Measured run_trial(const SearchInput& input, const search::Trial& trial);

/// The least price per hour of every candidate, in the order of their numbers; 0 for those whose text is refused, so
/// that they are tried, and told, first. `workers`: threads; 0: one per core.
[[nodiscard]] std::vector<double> prices_of(const SearchInput& input, std::size_t workers);

}  // namespace replayd::ctl
