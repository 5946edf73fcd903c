#include "replay/sched/lightllm.hpp"

#include <algorithm>

namespace replayd {
namespace {

/// Decode batches between two looks at the waiting queue (vidur's default).
constexpr std::int64_t k_waiting_steps_max = 10;

/// Tokens that a request holds, and tokens that it may still add.
struct Need {
    std::int64_t held = 0;
    std::int64_t remaining = 0;
};

/// `decodes_here`: on a prefill replica nothing is added after the prompt.
Need need_of(const RequestState& request, bool decodes_here) {
    if (!decodes_here) return {request.target + 1, 0};
    if (request.decoding()) {
        return {request.computed + 1, std::max<std::int64_t>(0, request.output - request.generated - 1)};
    }
    return {request.target + 1, std::max<std::int64_t>(0, request.output - request.generated - 2)};
}

/// The most tokens held at one time if the requests finish in order of what remains.
std::int64_t peak(std::vector<Need> needs) {
    std::stable_sort(needs.begin(), needs.end(),
                     [](const Need& a, const Need& b) { return a.remaining > b.remaining; });
    std::int64_t held = 0;
    std::int64_t most = 0;
    for (std::size_t i = 0; i < needs.size(); ++i) {
        held += needs[i].held;
        most = std::max(most, needs[i].remaining * static_cast<std::int64_t>(i + 1) + held);
    }
    return most;
}

}  // namespace

LightllmPolicy::LightllmPolicy(const PoolSpec& pool)
    : sequences_max_(pool.batching.max_sequences),
      batch_tokens_max_(pool.batching.max_batched_tokens.value),
      decodes_here_(pool.role != PoolRole::prefill) {}

void LightllmPolicy::admit(ReplicaState& replica, RequestTable& requests, const SlotQueue& idle,
                           BatchDecision& decision) const {
    std::vector<Need> needs;
    for (const RequestSlot slot : idle.slots()) needs.push_back(need_of(requests[slot], decodes_here_));
    std::int64_t budget = batch_tokens_max_;
    while (!replica.waiting.empty()) {
        decision.stopped_by = BlameCause::sequence_limit;
        if (holders(replica, idle, decision) >= sequences_max_) return;
        const RequestState& head = requests[replica.waiting.front()];
        const std::int64_t blocks = replica.blocks_for(std::max(head.target, head.computed + 1));
        // A context that grew beyond the limit before it was evicted is computed again in a batch of its own.
        const bool alone = decision.members.empty() && head.preemptions > 0;
        decision.stopped_by = BlameCause::token_budget;
        if (!alone && head.pending() > budget) return;
        decision.stopped_by = BlameCause::kv_blocks;
        if (replica.kv.free() < blocks - head.blocks) return;
        needs.push_back(need_of(head, decodes_here_));
        if (peak(needs) >= replica.kv.capacity() * replica.kv.block_tokens()) return;
        budget -= head.pending();
        admit_head(replica, requests, blocks, head.pending(), decision);
    }
    decision.stopped_by = BlameCause::step_in_flight;
}

void LightllmPolicy::form(ReplicaState& replica, RequestTable& requests, BatchDecision& decision) const {
    SlotQueue idle = take_idle(replica, requests);
    if (idle.empty() || replica.steps_since_admission >= k_waiting_steps_max) {
        replica.steps_since_admission = 0;
        admit(replica, requests, idle, decision);
    }
    if (decision.members.empty() && !idle.empty()) {
        ++replica.steps_since_admission;
        if (decision.stopped_by == BlameCause::step_in_flight && !replica.waiting.empty()) {
            decision.stopped_by = BlameCause::batch_rule;
        }
        while (!idle.empty()) {
            const RequestSlot slot = idle.pop_front();
            schedule_decode(replica, requests, idle, slot, decision);
        }
    }
    put_back(replica, std::move(idle), decision);
}

std::string LightllmPolicy::refusal(const ReplicaState& replica, std::int64_t prompt, std::int64_t context) const {
    if (prompt > batch_tokens_max_) {
        return "prompt is " + std::to_string(prompt) + " tokens: a prefill batch takes up to " +
               std::to_string(batch_tokens_max_);
    }
    // The admission test is strict: what it may need must leave a token to spare.
    return blocks_refusal(replica, context + 2, replica.blocks_for(context + 2), replica.kv.capacity());
}

}  // namespace replayd
