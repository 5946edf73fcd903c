#include "replay/sched/execution_order.hpp"

#include <algorithm>

#include "replay/sched/decode_stretch.hpp"

namespace replayd {

void ExecutionOrderPolicy::ended(ReplicaState& replica, const RequestTable& requests,
                                 const BatchDecision& decision) const {
    std::vector<RequestSlot> others;
    for (const RequestSlot slot : replica.running) {
        const bool member = std::any_of(decision.members.begin(), decision.members.end(),
                                        [&](const ScheduledTokens& m) { return m.slot == slot; });
        if (!member) others.push_back(slot);
    }
    for (const ScheduledTokens& member : decision.members) {
        if (!requests[member.slot].left_running) others.push_back(member.slot);
    }
    replica.running = std::move(others);
}

std::deque<RequestSlot> ExecutionOrderPolicy::take_idle(ReplicaState& replica, const RequestTable& requests) {
    std::deque<RequestSlot> idle;
    for (const RequestSlot slot : replica.running) {
        if (!requests[slot].in_flight) idle.push_back(slot);
    }
    std::erase_if(replica.running, [&](RequestSlot slot) { return !requests[slot].in_flight; });
    return idle;
}

void ExecutionOrderPolicy::put_back(ReplicaState& replica, const std::deque<RequestSlot>& idle,
                                    const BatchDecision& decision) {
    replica.running.insert(replica.running.end(), idle.begin(), idle.end());
    for (const ScheduledTokens& member : decision.members) replica.running.push_back(member.slot);
}

std::int64_t ExecutionOrderPolicy::holders(const ReplicaState& replica, const std::deque<RequestSlot>& idle,
                                           const BatchDecision& decision) {
    return static_cast<std::int64_t>(replica.running.size() + idle.size() + decision.members.size());
}

void ExecutionOrderPolicy::schedule_decode(ReplicaState& replica, RequestTable& requests,
                                           std::deque<RequestSlot>& idle, RequestSlot slot, BatchDecision& decision) {
    while (replica.kv.free() < 1) {
        const RequestSlot victim = idle.empty() ? slot : idle.back();
        if (!idle.empty()) idle.pop_back();
        preempt(replica, requests, victim);
        decision.preempted.push_back(victim);
        if (victim == slot) return;
    }
    RequestState& request = requests[slot];
    const std::int64_t grown = std::max(request.blocks, replica.blocks_for(request.computed + 1));
    replica.kv.allocate(grown - request.blocks);
    request.blocks = grown;
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
}

std::int64_t ExecutionOrderPolicy::repeats_while_blocked(const ReplicaState& replica, const RequestTable& requests,
                                                         const BatchDecision& decision, std::int64_t limit) {
    if (!decision.preempted.empty() || decision.members.size() != replica.running.size()) return 0;
    const std::int64_t steps = steps_until_a_finish(requests, decision, limit);
    // One block more than the growth must stay free: each member asks for one before it takes any.
    return steps_within_blocks(replica, requests, decision, steps, replica.kv.free() - 1);
}

}  // namespace replayd
