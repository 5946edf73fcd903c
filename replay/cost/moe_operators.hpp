#pragma once
// The parts that the composition of a MoE layer is made of.

#include "replay/cost/composition.hpp"
#include "replay/cost/moe_strategy.hpp"

namespace replayd::cost {

/// The MoE layers of one rank: tensor × data GPUs hold the experts, `ranks` of them whole experts, and the
/// `slices` GPUs of each rank share an expert's columns.
struct MoeGroup {
    std::int64_t gpus = 1;
    std::int64_t ranks = 1;
    std::int64_t slices = 1;
    std::int64_t nodes = 1;
    ExpertLoad load;
    MoeStrategy strategy;

    [[nodiscard]] bool exchanges() const {
        return strategy.router == MoeRouter::deepep_normal || strategy.router == MoeRouter::deepep_low_latency;
    }
};

/// Where the experts of a pool lie; of a pool without attention/FFN disaggregation.
[[nodiscard]] ExpertGroup expert_group(const PoolSpec& pool);

/// Of a pool that check_support has passed, with a model that has experts.
[[nodiscard]] MoeGroup moe_group(const ModelSpec& model, const PoolSpec& pool);

/// The routed experts with what moves their rows inside the GPU.
void add_routed_experts(Composer& composer, const MoeGroup& group);

/// Tokens to their experts, and results back, between GPUs. Nothing where every GPU holds every token.
void add_dispatch(Composer& composer, const MoeGroup& group);
void add_combine(Composer& composer, const MoeGroup& group);

}  // namespace replayd::cost
