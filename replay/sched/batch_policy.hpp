#pragma once
// The seam of batch policies: which requests the next step of a replica works on, and with how many tokens.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "replay/catalog/scenario.hpp"
#include "replay/sched/replica_state.hpp"
#include "replay/sched/request_state.hpp"

namespace replayd {

struct ScheduledTokens {
    RequestSlot slot = 0;
    std::int64_t tokens = 0;
    bool prefill = false;  ///< prompt or recomputed tokens; otherwise one decode token and drafts
};

/// KV that a waiting request gets from the host tier; its blocks are allocated.
struct HostLoad {
    RequestSlot slot = 0;
    std::int64_t blocks = 0;  ///< that are loaded
};

/// What a policy decided for one step.
struct BatchDecision {
    std::vector<ScheduledTokens> members;  ///< in batch order; blocks are allocated
    std::vector<RequestSlot> preempted;    ///< evicted, in order; blocks are released, they wait again
    std::vector<HostLoad> loads;           ///< requests that left the queue until their KV has come from the host
    bool admitted = false;                 ///< waiting requests were taken in
    BlameCause stopped_by = BlameCause::step_in_flight;  ///< why those who still wait were not

    void clear() {
        members.clear();
        preempted.clear();
        loads.clear();
        admitted = false;
        stopped_by = BlameCause::step_in_flight;
    }
};

class BatchPolicy {
public:
    virtual ~BatchPolicy() = default;

    /// Forms the next batch: moves requests between the replica's queues, allocates and releases blocks,
    /// fills `decision` (cleared by the caller). Requests in flight are left alone. Progress and ledger of the
    /// requests are the engine's business, except that a preempted request forgets what it has computed.
    virtual void form(ReplicaState& replica, RequestTable& requests, BatchDecision& decision) const = 0;

    /// The same as `form` where the first `decodes` requests of the running list decode and go on: each takes one
    /// token, and together `growth` blocks, which are allocated here. Only the other members get into `decision`. Every
    /// running request must take part unless the budget ends; `ended` is not called for such a batch. False, with
    /// nothing changed, where `form` could decide otherwise about them: then that is called.
    [[nodiscard]] virtual bool form_around(ReplicaState& /*replica*/, RequestTable& /*requests*/,
                                           std::int64_t /*decodes*/, std::int64_t /*growth*/,
                                           BatchDecision& /*decision*/) const {
        return false;
    }

    /// If a batch of `sequences` decodes that was just formed by `decision` repeats exactly while none of them finishes
    /// and nothing from outside touches the replica: how many blocks it may take before that ends. Nothing if it does
    /// not repeat.
    [[nodiscard]] virtual std::optional<std::int64_t> stretch_blocks(const ReplicaState& replica,
                                                                     std::int64_t sequences,
                                                                     const BatchDecision& decision) const = 0;

    /// The members of `decision` are no longer in flight (finished ones have left): a policy that keeps its
    /// running list in order of execution rearranges it here.
    virtual void ended(ReplicaState& /*replica*/, RequestTable& /*requests*/,
                       const BatchDecision& /*decision*/) const {}

    /// Why a request of `prompt` tokens whose context grows to `context` tokens could never be served by an
    /// empty replica under this policy; empty if it can. Completes "request …".
    [[nodiscard]] virtual std::string refusal(const ReplicaState& replica, std::int64_t prompt,
                                              std::int64_t context) const;

    /// Blocks to reserve at a decode replica for a request whose prompt is computed elsewhere, so that its
    /// first decode step needs no more.
    [[nodiscard]] virtual std::int64_t reservation(const ReplicaState& replica, std::int64_t prompt) const {
        return replica.blocks_for(prompt + 1);
    }

    /// Whether a finished request's blocks become free at once; otherwise when nothing is running any more.
    [[nodiscard]] virtual bool releases_at_finish() const { return true; }
};

/// Refusal of a request that needs `blocks` blocks for `tokens` tokens where `available` can ever be had; empty
/// if they suffice.
[[nodiscard]] std::string blocks_refusal(const ReplicaState& replica, std::int64_t tokens, std::int64_t blocks,
                                         std::int64_t available);

/// The policy of a pool. `pool` is a validated spec; its block count is `blocks`.
[[nodiscard]] std::shared_ptr<const BatchPolicy> make_batch_policy(const PoolSpec& pool, std::int64_t blocks);

}  // namespace replayd
