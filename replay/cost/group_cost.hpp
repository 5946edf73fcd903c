#pragma once
// What one step of a replica with several data-parallel ranks costs. The ranks exchange tokens in every layer with
// experts, so none ends a step before the others: all batches of a step end when the group does. A rank without work
// goes along with an empty shape (vLLM's dummy batch).

#include <cstdint>
#include <memory>
#include <span>

#include "replay/base/units.hpp"
#include "replay/cost/cost_model.hpp"

namespace replayd {

class GroupCost {
public:
    virtual ~GroupCost() = default;

    /// Time of each pipeline stage for the step in which rank i does `ranks[i]`; at least one shape has work, the order
    /// of ranks is theirs in the replica. Each > 0; `out.size()` is the stages of the pool's CostModel. Monotone: more
    /// work on any rank never costs less. Never less than that CostModel's `alone` of what any rank does; what its
    /// `step` of the rank's shape lacks is blamed on the other ranks. Pure, any thread; allocates nothing up to 128
    /// stages.
    virtual void step(std::span<const StepShape> ranks, std::span<Duration> out) const = 0;

    /// Times of consecutive steps that repeat `ranks`, which only decode or are empty, on a pool of one stage: out[k]
    /// is that of the step whose contexts have grown by k + 1 tokens each. Equal to `step` for every one of them.
    virtual void next_decode_steps(std::span<const StepShape> ranks, std::span<Duration> out) const = 0;
};

/// The step takes what its slowest rank takes: the largest CostModel::step over the ranks with work. CostModel prices a
/// rank as if each of the others had as many tokens, in its experts and in its exchanges. That is what vLLM does in
/// captured steps, where every rank is padded to the largest (vllm-project/vllm v0.19, vllm/v1/worker/dp_utils.py), and
/// too much for the experts of uncaptured steps with uneven ranks: there the expert part is that of ranks × the
/// largest, not of the sum.
[[nodiscard]] std::shared_ptr<const GroupCost> make_slowest_rank_cost(std::shared_ptr<const CostModel> cost);

/// What the ranks of the pool's replicas step with; `cost` is what make_cost_model() made of the same pool. With AFD
/// the ranks' micro-batches in one pipeline (afd/afd_cost.hpp), else the slowest rank; null for replicas of one rank
/// without AFD.
[[nodiscard]] std::shared_ptr<const GroupCost> make_group_cost(const Scenario& scenario, const PoolSpec& pool,
                                                               std::shared_ptr<const CostModel> cost);

}  // namespace replayd
