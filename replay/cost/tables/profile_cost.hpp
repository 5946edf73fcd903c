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
// (allgather_reducescatter) does: NCCL's law, and k_exchange_entry for each. The experts' time is that of as many tokens
// as bring the slowest rank its routed rows, with the experts that uniform routing activates.

#include <memory>

#include "replay/base/units.hpp"
#include "replay/cost/cost_model.hpp"
#include "replay/cost/tables/step_profile.hpp"

namespace replayd::cost {

/// What a collective inside a layer takes beyond NCCL's own back-to-back time: the ranks do not arrive together, and
/// the tokens are copied into and out of its buffers. The one constant that is fitted on a run: a vLLM 0.19 server with two
/// RTX PRO 6000 over PCIe. With it the rate of steps without prompts is right on average over six windows of that run, from 1
/// to 95 sequences per rank (single windows stray by -6 to +9 %, since its routing is not uniform).
inline constexpr Duration k_exchange_entry{33'000};

/// Composes the model of one pool from `profile`, which the model keeps nothing of. Error `invalid_argument` as
/// make_analytic_cost, and for a profile without any operator of the model.
[[nodiscard]] Result<std::unique_ptr<const CostModel>> make_profile_cost(const ModelSpec& model, const PoolSpec& pool,
                                                                         const StepProfile& profile);

}  // namespace replayd::cost
