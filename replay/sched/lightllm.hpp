#pragma once
// LightLLM's token-level scheduling as microsoft/vidur models it: KV blocks of one token, prompts admitted only
// if the most KV that all members can ever need at the same time fits, and looked for every so many decode
// batches. Source: microsoft/vidur, vidur/scheduler/replica_scheduler/lightllm_replica_scheduler.py (7d47513).
// Where vidur stops with an error because a decode step finds no block, the last running request is evicted.

#include "replay/sched/execution_order.hpp"

namespace replayd {

class LightllmPolicy final : public ExecutionOrderPolicy {
public:
    explicit LightllmPolicy(const PoolSpec& pool);

    void form(ReplicaState& replica, RequestTable& requests, BatchDecision& decision) const override;
    /// Never: the count of decode batches since the last look at the queue changes with every step.
    [[nodiscard]] std::optional<std::int64_t> stretch_blocks(const ReplicaState&, std::int64_t,
                                                             const BatchDecision&) const override {
        return std::nullopt;
    }
    [[nodiscard]] std::string refusal(const ReplicaState& replica, std::int64_t prompt,
                                      std::int64_t context) const override;

private:
    void admit(ReplicaState& replica, RequestTable& requests, const SlotQueue& idle,
               BatchDecision& decision) const;

    std::int64_t sequences_max_;
    std::int64_t batch_tokens_max_;
    bool decodes_here_;
};

}  // namespace replayd
