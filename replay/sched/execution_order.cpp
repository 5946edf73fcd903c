#include "replay/sched/execution_order.hpp"

#include <algorithm>

namespace replayd {

void ExecutionOrderPolicy::ended(ReplicaState& replica, RequestTable& requests, const BatchDecision& decision) const {
    for (const ScheduledTokens& member : decision.members) requests[member.slot].moving = true;
    std::erase_if(replica.running, [&](RequestSlot slot) { return requests[slot].moving; });
    for (const ScheduledTokens& member : decision.members) {
        requests[member.slot].moving = false;
        if (!requests[member.slot].left_running) replica.running.push_back(member.slot);
    }
}

SlotQueue ExecutionOrderPolicy::take_idle(ReplicaState& replica, const RequestTable& requests) {
    std::vector<RequestSlot> idle = std::move(replica.spare_slots);
    std::size_t in_flight = 0;
    for (const RequestSlot slot : replica.running) {
        if (requests[slot].in_flight) {
            replica.running[in_flight++] = slot;
        } else {
            idle.push_back(slot);
        }
    }
    replica.running.resize(in_flight);
    return SlotQueue(std::move(idle));
}

void ExecutionOrderPolicy::sort_by_arrival(SlotQueue& idle, const RequestTable& requests) {
    const auto earlier = [&](RequestSlot a, RequestSlot b) { return requests[a].sequence < requests[b].sequence; };
    const std::span<RequestSlot> slots = idle.slots();
    if (!std::is_sorted(slots.begin(), slots.end(), earlier)) std::sort(slots.begin(), slots.end(), earlier);
}

void ExecutionOrderPolicy::put_back(ReplicaState& replica, SlotQueue&& idle, const BatchDecision& decision) {
    const std::span<const RequestSlot> left = idle.slots();
    replica.running.insert(replica.running.end(), left.begin(), left.end());
    for (const ScheduledTokens& member : decision.members) replica.running.push_back(member.slot);
    replica.spare_slots = idle.release();
}

std::int64_t ExecutionOrderPolicy::holders(const ReplicaState& replica, const SlotQueue& idle,
                                           const BatchDecision& decision) {
    return static_cast<std::int64_t>(replica.running.size() + idle.size() + decision.members.size());
}

void ExecutionOrderPolicy::schedule_decode(ReplicaState& replica, RequestTable& requests,
                                           SlotQueue& idle, RequestSlot slot, BatchDecision& decision) {
    while (replica.kv.free() < 1) {
        const RequestSlot victim = idle.empty() ? slot : idle.pop_back();
        preempt(replica, requests, victim);
        decision.preempted.push_back(victim);
        if (victim == slot) return;
    }
    RequestState& request = requests[slot];
    const std::int64_t missing = replica.missing_blocks(request, request.computed + 1);
    replica.kv.allocate(missing);
    request.blocks += missing;
    decision.members.push_back({slot, 1, false});
}

void ExecutionOrderPolicy::admit_head(ReplicaState& replica, RequestTable& requests, std::int64_t blocks,
                                      std::int64_t tokens, BatchDecision& decision) {
    const RequestSlot slot = replica.waiting.front();
    replica.waiting.pop_front();
    RequestState& request = requests[slot];
    const std::int64_t more = std::max<std::int64_t>(0, blocks - request.blocks);
    replica.kv.allocate(more);
    request.blocks += more;
    decision.members.push_back({slot, tokens, !request.decoding()});
    decision.admitted = true;
}

std::optional<std::int64_t> ExecutionOrderPolicy::stretch_while_blocked(const ReplicaState& replica,
                                                                        std::int64_t sequences,
                                                                        const BatchDecision& decision) {
    if (!decision.preempted.empty() || sequences != static_cast<std::int64_t>(replica.running.size())) {
        return std::nullopt;
    }
    // One block more than the growth must stay free: each member asks for one before it takes any.
    return replica.kv.free() - 1;
}

}  // namespace replayd
