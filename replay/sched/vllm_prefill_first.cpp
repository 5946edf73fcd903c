#include "replay/sched/vllm_prefill_first.hpp"

#include <algorithm>

namespace replayd {

VllmPrefillFirstPolicy::VllmPrefillFirstPolicy(const PoolSpec& pool, std::int64_t blocks)
    : sequences_max_(pool.batching.max_sequences),
      batch_sequences_max_(pool.batching.max_sequences / pool.parallel.pipeline),
      padded_tokens_max_(pool.batching.max_batched_tokens.value),
      watermark_blocks_(static_cast<std::int64_t>(pool.batching.watermark * static_cast<double>(blocks))) {}

void VllmPrefillFirstPolicy::admit(ReplicaState& replica, RequestTable& requests, SlotQueue& idle,
                                   BatchDecision& decision) const {
    std::int64_t longest = 0;
    while (!replica.waiting.empty()) {
        const RequestState& head = requests[replica.waiting.front()];
        const std::int64_t tokens = head.pending();
        const std::int64_t blocks = replica.blocks_for(std::max(head.target, head.computed + 1));
        const auto count = static_cast<std::int64_t>(decision.members.size());
        // What more steps cannot change is asked first, so that those of a stretch have one cause.
        decision.stopped_by = BlameCause::sequence_limit;
        if (holders(replica, idle, decision) >= sequences_max_ || count >= batch_sequences_max_) return;
        // A context that grew beyond the limit before it was evicted is computed again in a batch of its own.
        decision.stopped_by = BlameCause::batch_rule;
        const bool alone = count == 0 && head.preemptions > 0;
        if (!alone && (count + 1) * std::max(longest, tokens) > padded_tokens_max_) return;
        // Blocks that it holds already (its KV came from a prefill replica) are no reason to wait.
        decision.stopped_by = BlameCause::kv_blocks;
        if (blocks > head.blocks && replica.kv.free() - (blocks - head.blocks) < watermark_blocks_) return;
        longest = std::max(longest, tokens);
        admit_head(replica, requests, blocks, tokens, decision);
    }
    decision.stopped_by = BlameCause::step_in_flight;
}

void VllmPrefillFirstPolicy::form(ReplicaState& replica, RequestTable& requests, BatchDecision& decision) const {
    SlotQueue idle = take_idle(replica, requests);
    admit(replica, requests, idle, decision);
    if (decision.members.empty()) {
        sort_by_arrival(idle, requests);
        while (!idle.empty() && static_cast<std::int64_t>(decision.members.size()) < batch_sequences_max_) {
            const RequestSlot slot = idle.pop_front();
            schedule_decode(replica, requests, idle, slot, decision);
        }
    }
    put_back(replica, std::move(idle), decision);
}

std::optional<std::int64_t> VllmPrefillFirstPolicy::stretch_blocks(const ReplicaState& replica, std::int64_t sequences,
                                                                   const BatchDecision& decision) const {
    // After a batch of admitted requests, although all of them decode, the next one asks the queue again: the
    // padded limit that stopped it was that of the batch.
    if (decision.admitted) return std::nullopt;
    return stretch_while_blocked(replica, sequences, decision);
}

std::string VllmPrefillFirstPolicy::refusal(const ReplicaState& replica, std::int64_t prompt,
                                            std::int64_t context) const {
    if (prompt > padded_tokens_max_) {
        return "prompt is " + std::to_string(prompt) + " tokens: a prefill batch takes up to " +
               std::to_string(padded_tokens_max_);
    }
    // After an eviction the whole context is admitted at once, and a decode step wants a block to spare.
    const std::int64_t available = replica.kv.capacity() - std::max<std::int64_t>(1, watermark_blocks_);
    return blocks_refusal(replica, context, replica.blocks_for(context), available);
}

}  // namespace replayd
