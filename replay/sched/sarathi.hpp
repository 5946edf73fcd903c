#pragma once
// Sarathi-Serve's chunked prefill as microsoft/vidur models it: decodes first, then unfinished prompts, then
// new ones, up to the token budget; a prompt's blocks are taken whole at admission.
// Source: microsoft/vidur, vidur/scheduler/replica_scheduler/sarathi_replica_scheduler.py (7d47513). Unlike
// there, a request evicted in the middle of its prefill keeps its prompt length (vidur cuts it to what was
// processed and "decodes" the rest).

#include "replay/sched/execution_order.hpp"

namespace replayd {

class SarathiPolicy final : public ExecutionOrderPolicy {
public:
    SarathiPolicy(const PoolSpec& pool, std::int64_t blocks);

    void form(ReplicaState& replica, RequestTable& requests, BatchDecision& decision) const override;
    [[nodiscard]] bool form_around(ReplicaState& replica, RequestTable& requests, std::int64_t decodes,
                                   std::int64_t growth, BatchDecision& decision) const override;
    [[nodiscard]] std::optional<std::int64_t> stretch_blocks(const ReplicaState& replica, std::int64_t sequences,
                                                             const BatchDecision& decision) const override;
    [[nodiscard]] std::string refusal(const ReplicaState& replica, std::int64_t prompt,
                                      std::int64_t context) const override;

private:
    [[nodiscard]] bool full(const BatchDecision& decision) const;
    void schedule_running(ReplicaState& replica, RequestTable& requests, SlotQueue& idle,
                          BatchDecision& decision, std::int64_t& budget) const;
    /// Those that are not in the decision: decodes of the batch, and all that hold blocks.
    struct Others {
        std::int64_t decodes = 0;
        std::int64_t holders = 0;
    };
    void admit(ReplicaState& replica, RequestTable& requests, const Others& others, BatchDecision& decision,
               std::int64_t& budget) const;

    std::int64_t sequences_max_;
    std::int64_t batch_sequences_max_;
    std::int64_t chunk_tokens_;
    std::int64_t watermark_blocks_;
};

}  // namespace replayd
