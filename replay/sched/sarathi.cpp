#include "replay/sched/sarathi.hpp"

#include <algorithm>

namespace replayd {

SarathiPolicy::SarathiPolicy(const PoolSpec& pool, std::int64_t blocks)
    : sequences_max_(pool.batching.max_sequences),
      batch_sequences_max_(pool.batching.max_sequences / pool.parallel.pipeline),
      chunk_tokens_(pool.batching.max_batched_tokens.value),
      watermark_blocks_(static_cast<std::int64_t>(pool.batching.watermark * static_cast<double>(blocks))) {}

bool SarathiPolicy::full(const BatchDecision& decision) const {
    return static_cast<std::int64_t>(decision.members.size()) >= batch_sequences_max_;
}

void SarathiPolicy::schedule_running(ReplicaState& replica, RequestTable& requests, SlotQueue& idle,
                                     BatchDecision& decision, std::int64_t& budget) const {
    std::vector<RequestSlot> unfinished;
    while (!idle.empty() && !full(decision)) {
        const RequestSlot slot = idle.pop_front();
        if (!requests[slot].decoding()) {
            unfinished.push_back(slot);
            continue;
        }
        const std::size_t before = decision.members.size();
        schedule_decode(replica, requests, idle, slot, decision);
        budget -= static_cast<std::int64_t>(decision.members.size() - before);
    }
    for (const RequestSlot slot : unfinished) {
        const std::int64_t tokens = std::min(requests[slot].pending(), std::max<std::int64_t>(0, budget));
        if (tokens == 0) {
            idle.push_back(slot);
            continue;
        }
        decision.members.push_back({slot, tokens, true});
        budget -= tokens;
    }
    sort_by_arrival(idle, requests);
}

void SarathiPolicy::admit(ReplicaState& replica, RequestTable& requests, const SlotQueue& idle,
                          BatchDecision& decision, std::int64_t& budget) const {
    while (!replica.waiting.empty() && !full(decision) && budget > 0 &&
           holders(replica, idle, decision) < sequences_max_) {
        const RequestState& head = requests[replica.waiting.front()];
        const std::int64_t blocks = replica.blocks_for(std::max(head.target, head.computed + 1));
        // Blocks that it holds already (its KV came from a prefill replica) are no reason to wait.
        if (blocks > head.blocks && replica.kv.free() - (blocks - head.blocks) < watermark_blocks_) return;
        const std::int64_t tokens = std::min(head.pending(), budget);
        admit_head(replica, requests, blocks, tokens, decision);
        budget -= tokens;
    }
}

void SarathiPolicy::form(ReplicaState& replica, RequestTable& requests, BatchDecision& decision) const {
    SlotQueue idle = take_idle(replica, requests);
    std::int64_t budget = chunk_tokens_;
    schedule_running(replica, requests, idle, decision, budget);
    admit(replica, requests, idle, decision, budget);
    put_back(replica, std::move(idle), decision);
}

std::int64_t SarathiPolicy::repeats(const ReplicaState& replica, const RequestTable& requests,
                                    const BatchDecision& decision, std::int64_t limit) const {
    return repeats_while_blocked(replica, requests, decision, limit);
}

std::string SarathiPolicy::refusal(const ReplicaState& replica, std::int64_t, std::int64_t context) const {
    // After an eviction the whole context is admitted at once, and a decode step wants a block to spare.
    const std::int64_t available = replica.kv.capacity() - std::max<std::int64_t>(1, watermark_blocks_);
    return blocks_refusal(replica, context, replica.blocks_for(context), available);
}

}  // namespace replayd
