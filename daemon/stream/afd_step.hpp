#pragma once
// The mean decode step of a window on the AFD pools of a run: for metrics and the page.

#include <memory>
#include <string>
#include <vector>

#include "replay/cost/afd/afd_cost.hpp"
#include "replay/sim/run.hpp"

namespace replayd::stream {

/// What each rank of a replica did in a step of the window, on average, and how the step is priced.
struct AfdStep {
    std::string pool;
    std::shared_ptr<const GroupCost> keeper;  ///< owns `cost`
    const afd::AfdCost* cost = nullptr;
    std::vector<StepShape> ranks;             ///< all alike
    std::int64_t layers = 0;
};

/// One for each AFD pool that made tokens in the window and has requests at its end: sequences by the tokens of a step,
/// contexts by the KV blocks in use at the window's end, prompts as one chunk.
[[nodiscard]] std::vector<AfdStep> afd_steps(const CompiledScenario& compiled, const WindowRecord& window);

}  // namespace replayd::stream
