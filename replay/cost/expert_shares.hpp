#pragma once
// What part of a step's tokens each expert slot of each rank gets, under a routing law and a placement of experts.

#include <cstdint>
#include <vector>

#include "replay/catalog/model_spec.hpp"
#include "replay/catalog/moe_routing.hpp"

namespace replayd::cost {

/// Where the experts of a MoE layer lie.
struct ExpertGroup {
    std::int64_t data = 1;       ///< scheduler ranks, each with the tokens of a step
    std::int64_t ranks = 1;      ///< a divisor of experts + redundant
    std::int64_t redundant = 0;  ///< copies beside the model's experts
    std::int64_t nodes = 1;      ///< of the ranks; for hierarchical EPLB plans
};

/// Expected share of the tokens that each slot of a rank gets, each 0 to 1.
using RankShares = std::vector<double>;

/// One layer: the shares of every rank.
using LayerShares = std::vector<RankShares>;

/// Chance of every expert to be among the `top_k` of a token when experts are drawn one after another without
/// replacement in proportion to `weights` (Gumbel top-k): 1 − exp(−λ w), with λ so that they sum to top_k (Rosén's
/// approximation, asymptotically exact). Weights are ≥ 0; at least top_k of them are positive, or all that are get 1.
[[nodiscard]] std::vector<double> inclusion_chances(const std::vector<double>& weights, std::int64_t top_k);

/// The same where `counts` are what was counted: proportional, none above 1.
[[nodiscard]] std::vector<double> counted_chances(const std::vector<double>& counts, std::int64_t top_k);

/// Layers to average over: one for uniform routing; eight seeded shuffles of a Zipf law's experts; the counted layers
/// of a histogram. A token that chose an expert with several copies goes to any one of them alike.
[[nodiscard]] std::vector<LayerShares> expert_shares(const MoeSpec& moe, const MoeRoutingSpec& routing,
                                                     const ExpertGroup& group);

}  // namespace replayd::cost
