#pragma once
// vLLM 0.19's V1 engine core at its defaults, step by step and block by block: what the engine's vllm_v1 policy is held
// against on real runs, and what tells an error of the cost source from one of the scheduling. Sources: vllm-project/vllm
// v0.19, vllm/v1/core/sched/scheduler.py (schedule, _preempt_request), vllm/v1/engine/core.py (step_with_batch_queue),
// vllm/v1/core/block_pool.py, vllm/v1/engine/core_client.py (DPLBAsyncMPClient).
//
// Asynchronous scheduling: step k + 2 is decided when step k has ended, while k + 1 runs; requests that arrived
// meanwhile become visible then, which is where vLLM's TTFT begins. Prefix caching: full blocks, generated ones too,
// are found again by an evicted request until others take them. A request is admitted when its whole sequence fits
// (scheduler_reserve_full_isl). Data-parallel ranks share each layer's experts, so a step ends for all at once; a request goes
// to the rank with the least 4 × waiting + running, as counted every 100 ms.

#include <cstdint>
#include <span>
#include <vector>

#include "replay/base/units.hpp"
#include "replay/cost/cost_model.hpp"
#include "replay/trace/arrival.hpp"

namespace replayd::ctl {

/// The first `blocks` blocks of a prompt are those of an earlier request, the donor.
struct SharedPrefix {
    std::int64_t request = 0;  ///< index of the arrival
    std::int64_t donor = 0;
    std::int64_t blocks = 0;
};

struct ReferenceOptions {
    std::int64_t ranks = 1;
    std::int64_t blocks = 0;         ///< per rank
    std::int64_t block_tokens = 16;
    std::int64_t sequences_max = 256;
    std::int64_t tokens_max = 2048;  ///< of a step
    bool prefix_caching = true;
    std::span<const SharedPrefix> shared = {};
};

/// When a request was seen, got its first and its last token.
struct ReferenceTimes {
    VirtualTime queued;
    VirtualTime first_token;
    VirtualTime finished;
    std::int64_t preemptions = 0;
};

/// In the order of the arrivals, which ascend in time.
[[nodiscard]] std::vector<ReferenceTimes> replay_reference(std::span<const Arrival> arrivals, const CostModel& cost,
                                                           const ReferenceOptions& options);

}  // namespace replayd::ctl
