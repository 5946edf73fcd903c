#include "replay/sched/reserving.hpp"

namespace replayd {

OrcaPolicy::OrcaPolicy(const PoolSpec& pool)
    : sequences_max_(pool.batching.max_sequences), reserved_tokens_(pool.max_context.value) {}

void OrcaPolicy::schedule_idle(ReplicaState& replica, RequestTable& requests, BatchDecision& decision) const {
    SlotQueue idle = take_idle(replica, requests);
    while (!idle.empty() && static_cast<std::int64_t>(decision.members.size()) < sequences_max_) {
        const RequestSlot slot = idle.pop_front();
        decision.members.push_back({slot, requests[slot].pending(), !requests[slot].decoding()});
    }
    put_back(replica, std::move(idle), decision);
}

void OrcaPolicy::admit(ReplicaState& replica, RequestTable& requests, BatchDecision& decision) const {
    const std::int64_t blocks = replica.blocks_for(reserved_tokens_);
    while (!replica.waiting.empty()) {
        decision.stopped_by = BlameCause::sequence_limit;
        if (static_cast<std::int64_t>(decision.members.size()) >= sequences_max_) return;
        decision.stopped_by = BlameCause::kv_blocks;
        const RequestSlot slot = replica.waiting.front();
        if (replica.kv.free() < blocks - requests[slot].blocks) return;
        admit_head(replica, requests, blocks, requests[slot].pending(), decision);
        replica.running.push_back(slot);
    }
    decision.stopped_by = BlameCause::step_in_flight;
}

void OrcaPolicy::form(ReplicaState& replica, RequestTable& requests, BatchDecision& decision) const {
    schedule_idle(replica, requests, decision);
    admit(replica, requests, decision);
}

std::optional<std::int64_t> OrcaPolicy::stretch_blocks(const ReplicaState& replica, std::int64_t sequences,
                                                       const BatchDecision&) const {
    // Blocks do not grow: what could not be admitted now waits until a member finishes.
    if (sequences != static_cast<std::int64_t>(replica.running.size())) return std::nullopt;
    return replica.kv.free();
}

std::string OrcaPolicy::refusal(const ReplicaState& replica, std::int64_t, std::int64_t) const {
    return blocks_refusal(replica, reserved_tokens_, replica.blocks_for(reserved_tokens_), replica.kv.capacity());
}

std::int64_t OrcaPolicy::reservation(const ReplicaState& replica, std::int64_t) const {
    return replica.blocks_for(reserved_tokens_);
}

void FasterTransformerPolicy::form(ReplicaState& replica, RequestTable& requests, BatchDecision& decision) const {
    schedule_idle(replica, requests, decision);
    if (decision.members.empty()) admit(replica, requests, decision);
    // Whatever stopped the admission, nobody joins them any more.
    if (!decision.members.empty()) decision.stopped_by = BlameCause::batch_rule;
}

}  // namespace replayd
