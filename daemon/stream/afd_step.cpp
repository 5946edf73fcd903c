#include "daemon/stream/afd_step.hpp"

#include <algorithm>

#include "replay/sim/solo_cost.hpp"

namespace replayd::stream {
namespace {

StepShape mean_shape(const PoolSpec& pool, const PoolWindow& window) {
    StepShape shape;
    shape.decode_sequences = std::max<std::int64_t>(1, window.output_tokens.value / window.steps);
    const std::int64_t kept = window.kv_blocks_used * pool.kv.block.value;
    const std::int64_t context = std::max<std::int64_t>(1, kept / window.running);
    shape.decode_context = shape.decode_sequences * context;
    shape.sampled_sequences = shape.decode_sequences;
    const std::int64_t prompt = window.prompt_tokens.value / window.steps;
    if (prompt > 0) shape += chunk_shape(0, prompt, false);
    return shape;
}

}  // namespace

std::vector<AfdStep> afd_steps(const CompiledScenario& compiled, const WindowRecord& window) {
    std::vector<AfdStep> out;
    const std::vector<PoolSpec>& pools = compiled.scenario.pools;
    for (std::size_t i = 0; i < pools.size() && i < window.pools.size(); ++i) {
        const auto* cost = dynamic_cast<const afd::AfdCost*>(compiled.group_costs[i].get());
        const PoolWindow& seen = window.pools[i];
        if (cost == nullptr || seen.steps == 0 || seen.output_tokens.value == 0 || seen.running == 0) continue;
        const auto ranks = static_cast<std::size_t>(cost->ranks());
        out.push_back({pools[i].name, compiled.group_costs[i], cost,
                       std::vector<StepShape>(ranks, mean_shape(pools[i], seen)), compiled.scenario.model.layers});
    }
    return out;
}

}  // namespace replayd::stream
