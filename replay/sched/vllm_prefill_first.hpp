#pragma once
// vLLM before its V1 scheduler, as microsoft/vidur models it: a batch is either whole prompts (as many as the
// padded token limit and the free blocks allow) or one decode token of every running request.
// Source: microsoft/vidur, vidur/scheduler/replica_scheduler/vllm_replica_scheduler.py (7d47513).

#include "replay/sched/execution_order.hpp"

namespace replayd {

class VllmPrefillFirstPolicy final : public ExecutionOrderPolicy {
public:
    VllmPrefillFirstPolicy(const PoolSpec& pool, std::int64_t blocks);

    void form(ReplicaState& replica, RequestTable& requests, BatchDecision& decision) const override;
    [[nodiscard]] std::optional<std::int64_t> stretch_blocks(const ReplicaState& replica, std::int64_t sequences,
                                                             const BatchDecision& decision) const override;
    [[nodiscard]] std::string refusal(const ReplicaState& replica, std::int64_t prompt,
                                      std::int64_t context) const override;

private:
    void admit(ReplicaState& replica, RequestTable& requests, SlotQueue& idle,
               BatchDecision& decision) const;

    std::int64_t sequences_max_;        ///< that hold blocks
    std::int64_t batch_sequences_max_;  ///< in one batch: the above over the pipeline stages
    std::int64_t padded_tokens_max_;    ///< sequences × longest prompt
    std::int64_t watermark_blocks_;
};

}  // namespace replayd
