#pragma once
// The profile cost source: steps priced from measurements that a user brought (step_profile.hpp). The composition of
// the analytic source says which operators a step runs and how often; each one that the profile holds takes its time
// from there, the others keep their law, and each operator's provenance says which.
//
// Under vLLM's V1 engine a batch up to the largest captured size runs padded to a captured one, and the scheduler
// prepares step k + 2 while step k + 1 runs, so host work is hidden and no term stands for it. (On the real runs that
// this was checked with, a step takes the sum of its kernels within 1 %.)
//
// Data-parallel ranks with fused experts exchange by all-gather and reduce-scatter, as vLLM's default backend
// (allgather_reducescatter) does: NCCL's law, and exchange_entry for each. The experts' time is that of as many tokens
// as bring the slowest rank its routed rows, with the experts that uniform routing activates.

#include <memory>

#include "replay/cost/cost_model.hpp"
#include "replay/cost/tables/step_profile.hpp"

namespace replayd::cost {

/// Composes the model of one pool from `profile`, which the model keeps nothing of. Error `invalid_argument` as
/// make_analytic_cost, and for a profile without any operator of the model.
[[nodiscard]] Result<std::unique_ptr<const CostModel>> make_profile_cost(const ModelSpec& model, const PoolSpec& pool,
                                                                         const StepProfile& profile);

}  // namespace replayd::cost
