#pragma once
// Continuous batching as the V1 scheduler of vLLM does it: one token budget per step, running requests first
// in order of admission, then waiting ones in the order of the queue, prompts in chunks, recompute preemption of
// the request admitted last, or in a queue by priority of the one with the lowest priority, the latest arrival of
// these. Source: vllm-project/vllm, vllm/v1/core/sched/scheduler.py (Scheduler.schedule).

#include "replay/sched/batch_policy.hpp"

namespace replayd {

class VllmV1Policy final : public BatchPolicy {
public:
    /// `drafts`: tokens that a decode verifies beside its own, at most.
    explicit VllmV1Policy(const BatchingSpec& spec, std::int64_t drafts = 0) : spec_(spec), drafts_(drafts) {}

    void form(ReplicaState& replica, RequestTable& requests, BatchDecision& decision) const override;
    [[nodiscard]] bool form_around(ReplicaState& replica, RequestTable& requests, std::int64_t decodes,
                                   std::int64_t growth, BatchDecision& decision) const override;
    [[nodiscard]] std::optional<std::int64_t> stretch_blocks(const ReplicaState& replica, std::int64_t sequences,
                                                             const BatchDecision& decision) const override;
    [[nodiscard]] std::string refusal(const ReplicaState& replica, std::int64_t prompt,
                                      std::int64_t context) const override;
    [[nodiscard]] std::int64_t reservation(const ReplicaState& replica, std::int64_t prompt) const override;

private:
    /// Tokens that the request would take in the next step: what it has to compute, or one and its drafts.
    [[nodiscard]] std::int64_t wanted(const RequestState& request) const;
    [[nodiscard]] std::int64_t chunk(std::int64_t pending, std::int64_t budget) const;
    /// Blocks that must be free beside the matched prefix for all that a waiting request has to compute.
    [[nodiscard]] std::int64_t reserve(const ReplicaState& replica, const RequestState& request,
                                       const PrefixMatch& match) const;
    /// From number `first` of the running list on. Whether waiting requests may be admitted after it: nothing was
    /// evicted and nobody lacks blocks.
    bool schedule_running(ReplicaState& replica, RequestTable& requests, std::size_t first, BatchDecision& decision,
                          std::int64_t& budget) const;
    bool take_running(ReplicaState& replica, RequestTable& requests, std::size_t first, BatchDecision& decision,
                      std::int64_t& budget) const;
    /// Whether `blocks` suffice for all that the running list gets from number `first` on.
    [[nodiscard]] bool suffice(std::int64_t blocks, const ReplicaState& replica, const RequestTable& requests,
                               std::size_t first, std::int64_t budget) const;
    /// Position in the running list of the request to evict, which no batch in flight works on.
    [[nodiscard]] std::size_t victim(const ReplicaState& replica, const RequestTable& requests) const;
    void admit_waiting(ReplicaState& replica, RequestTable& requests, BatchDecision& decision,
                       std::int64_t& budget) const;

    BatchingSpec spec_;
    std::int64_t drafts_;
};

}  // namespace replayd
