#pragma once
// One trial of a search: a candidate cluster replays the trace, or a part of it, and is measured.

#include <span>
#include <string>

#include "daemon/replayctl/scenario_source.hpp"
#include "replay/search/methods.hpp"
#include "replay/search/search_toml.hpp"
#include "replay/trace/arrival.hpp"

namespace replayd::ctl {

/// What every trial of a search shares; all outlive the trials.
struct SearchInput {
    const ScenarioSource& scenarios;
    const search::SearchSpec& spec;
    const search::Space& space;
    std::span<const Arrival> arrivals;
};

/// Replays the trial. A candidate whose text is refused, which does not fit or has too many GPUs is not possible, and the
/// result says why. Any thread.
[[nodiscard]] search::Measured run_trial(const SearchInput& input, const search::Trial& trial);

}  // namespace replayd::ctl
