#pragma once
// Composing a scenario whose costs are known from another one.

#include "replay/sim/run.hpp"

namespace replayd {

/// As compile(), with the cost models of `priced`, a cluster that differs in nothing but the number of replicas of its
/// pools: composing those is most of the work.
[[nodiscard]] Result<std::shared_ptr<const CompiledScenario>> compile(Scenario scenario,
                                                                      const CompiledScenario& priced);

}  // namespace replayd
