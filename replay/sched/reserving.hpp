#pragma once
// Policies that reserve the full context of every request at admission, so that nothing is ever evicted.
// Source: microsoft/vidur, vidur/scheduler/replica_scheduler/{orca,faster_transformer}_replica_scheduler.py
// (7d47513).

#include "replay/sched/execution_order.hpp"

namespace replayd {

/// Orca: running requests and whole new prompts in one batch.
class OrcaPolicy : public ExecutionOrderPolicy {
public:
    explicit OrcaPolicy(const PoolSpec& pool);

    void form(ReplicaState& replica, RequestTable& requests, BatchDecision& decision) const override;
    [[nodiscard]] std::optional<std::int64_t> stretch_blocks(const ReplicaState& replica, std::int64_t sequences,
                                                             const BatchDecision& decision) const override;
    [[nodiscard]] std::string refusal(const ReplicaState& replica, std::int64_t prompt,
                                      std::int64_t context) const override;
    [[nodiscard]] std::int64_t reservation(const ReplicaState& replica, std::int64_t prompt) const override;

protected:
    void schedule_idle(ReplicaState& replica, RequestTable& requests, BatchDecision& decision) const;
    void admit(ReplicaState& replica, RequestTable& requests, BatchDecision& decision) const;

private:
    std::int64_t sequences_max_;
    std::int64_t reserved_tokens_;  ///< of every request: the pool's context limit
};

/// FasterTransformer: static batches. Blocks are released when the whole batch is done (vidur never releases
/// those of members that finish early; here they go with the batch).
class FasterTransformerPolicy final : public OrcaPolicy {
public:
    explicit FasterTransformerPolicy(const PoolSpec& pool) : OrcaPolicy(pool) {}

    void form(ReplicaState& replica, RequestTable& requests, BatchDecision& decision) const override;
    [[nodiscard]] bool releases_at_finish() const override { return false; }
};

}  // namespace replayd
