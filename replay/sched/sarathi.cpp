#include "replay/sched/sarathi.hpp"

#include <algorithm>
#include <span>

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

void SarathiPolicy::admit(ReplicaState& replica, RequestTable& requests, const Others& others,
                          BatchDecision& decision, std::int64_t& budget) const {
    const auto count = [&](std::int64_t more) { return more + static_cast<std::int64_t>(decision.members.size()); };
    while (!replica.waiting.empty()) {
        decision.stopped_by = BlameCause::sequence_limit;
        if (count(others.decodes) >= batch_sequences_max_ || count(others.holders) >= sequences_max_) return;
        decision.stopped_by = BlameCause::token_budget;
        if (budget <= 0) return;
        decision.stopped_by = BlameCause::kv_blocks;
        const RequestState& head = requests[replica.waiting.front()];
        const std::int64_t blocks = replica.blocks_for(std::max(head.target, head.computed + 1));
        // Blocks that it holds already (its KV came from a prefill replica) are no reason to wait.
        if (blocks > head.blocks && replica.kv.free() - (blocks - head.blocks) < watermark_blocks_) return;
        const std::int64_t tokens = std::min(head.pending(), budget);
        admit_head(replica, requests, blocks, tokens, decision);
        budget -= tokens;
    }
    decision.stopped_by = budget <= 0 ? BlameCause::token_budget : BlameCause::step_in_flight;
}

void SarathiPolicy::form(ReplicaState& replica, RequestTable& requests, BatchDecision& decision) const {
    SlotQueue idle = take_idle(replica, requests);
    std::int64_t budget = chunk_tokens_;
    schedule_running(replica, requests, idle, decision, budget);
    const auto holders = static_cast<std::int64_t>(replica.running.size() + idle.size());
    admit(replica, requests, {.decodes = 0, .holders = holders}, decision, budget);
    put_back(replica, std::move(idle), decision);
}

bool SarathiPolicy::form_around(ReplicaState& replica, RequestTable& requests, std::int64_t decodes,
                                std::int64_t growth, BatchDecision& decision) const {
    const auto unfinished = std::span(replica.running).subspan(static_cast<std::size_t>(decodes));
    // A decode step asks for a block whether it needs one or not.
    if (replica.kv.free() - growth < 1 || decodes > batch_sequences_max_) return false;
    if (decodes == batch_sequences_max_ && !unfinished.empty()) return false;
    std::int64_t budget = chunk_tokens_ - decodes;
    for (const RequestSlot slot : unfinished) {
        if (budget <= 0 || requests[slot].decoding()) return false;
        budget -= std::min(requests[slot].pending(), budget);
    }
    replica.kv.allocate(growth);
    budget = chunk_tokens_ - decodes;
    for (const RequestSlot slot : unfinished) {
        const std::int64_t tokens = std::min(requests[slot].pending(), budget);
        decision.members.push_back({slot, tokens, true});
        budget -= tokens;
    }
    const std::size_t running = decision.members.size();
    admit(replica, requests, {.decodes = decodes, .holders = decodes}, decision, budget);
    for (std::size_t i = running; i < decision.members.size(); ++i) replica.running.push_back(decision.members[i].slot);
    return true;
}

std::optional<std::int64_t> SarathiPolicy::stretch_blocks(const ReplicaState& replica, std::int64_t sequences,
                                                          const BatchDecision& decision) const {
    return stretch_while_blocked(replica, sequences, decision);
}

std::string SarathiPolicy::refusal(const ReplicaState& replica, std::int64_t, std::int64_t context) const {
    // After an eviction the whole context is admitted at once, and a decode step wants a block to spare.
    const std::int64_t available = replica.kv.capacity() - std::max<std::int64_t>(1, watermark_blocks_);
    return blocks_refusal(replica, context, replica.blocks_for(context), available);
}

}  // namespace replayd
