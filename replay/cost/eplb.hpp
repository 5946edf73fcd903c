#pragma once
// Expert-parallel load balancing: which experts get copies, and on which GPU each copy lies. The algorithm of
// deepseek-ai/EPLB (eplb.py): greedy replication of the busiest, greedy packing of the heaviest first, hierarchical
// where the groups of experts divide over the nodes, else global. Pure and deterministic.

#include <cstdint>
#include <span>
#include <vector>

namespace replayd::cost {

struct EplbShape {
    std::int64_t physical = 0;  ///< slots over all GPUs; a multiple of gpus, at least the number of experts
    std::int64_t groups = 1;    ///< of experts; a divisor of their number
    std::int64_t nodes = 1;     ///< a divisor of gpus
    std::int64_t gpus = 1;
};

/// Expert of every physical slot, GPU after GPU, physical / gpus slots each. `load` has one number per expert, none
/// negative. Every expert has at least one slot.
[[nodiscard]] std::vector<std::int64_t> eplb_plan(std::span<const double> load, const EplbShape& shape);

}  // namespace replayd::cost
