#pragma once
// Running lists in order of execution, as vidur's schedulers keep them: members leave the list when they are
// scheduled and join its end, in batch order, when their batch has ended. Here members in flight stay in
// ReplicaState::running, before the idle ones.

#include "replay/sched/batch_policy.hpp"
#include "replay/sched/slot_queue.hpp"

namespace replayd {

class ExecutionOrderPolicy : public BatchPolicy {
public:
    void ended(ReplicaState& replica, RequestTable& requests, const BatchDecision& decision) const override;

protected:
    /// Takes the idle running requests out of the replica, in order.
    [[nodiscard]] static SlotQueue take_idle(ReplicaState& replica, const RequestTable& requests);
    /// Into the order of arrival (sequences count arrivals).
    static void sort_by_arrival(SlotQueue& idle, const RequestTable& requests);
    /// Puts back what was not scheduled, and the members of the new batch behind it.
    static void put_back(ReplicaState& replica, SlotQueue&& idle, const BatchDecision& decision);
    /// Holders of KV blocks: every request that runs, in flight or not.
    [[nodiscard]] static std::int64_t holders(const ReplicaState& replica, const SlotQueue& idle,
                                              const BatchDecision& decision);

    /// One decode step for `slot`, which was taken from `idle`. vidur asks for a free block even where none is
    /// needed; while there is none, the back of `idle` is evicted, at last `slot` itself.
    static void schedule_decode(ReplicaState& replica, RequestTable& requests, SlotQueue& idle, RequestSlot slot,
                                BatchDecision& decision);

    /// Admits the head of the waiting queue with `tokens` of its prompt and the blocks of all of it.
    static void admit_head(ReplicaState& replica, RequestTable& requests, std::int64_t blocks, std::int64_t tokens,
                           BatchDecision& decision);

    /// `stretch_blocks` of policies whose waiting requests stay blocked while the same members decode.
    [[nodiscard]] static std::optional<std::int64_t> stretch_while_blocked(const ReplicaState& replica,
                                                                           std::int64_t sequences,
                                                                           const BatchDecision& decision);
};

}  // namespace replayd
