#include "replay/sched/vllm_v1.hpp"

#include <algorithm>
#include <span>

#include "replay/base/assert.hpp"

namespace replayd {
namespace {

void give_blocks(ReplicaState& replica, RequestState& request, std::int64_t blocks) {
    replica.kv.allocate(blocks);
    request.blocks += blocks;
}

/// The running request admitted last that no batch in flight works on. There is one: the one that asks.
std::size_t last_idle(const ReplicaState& replica, const RequestTable& requests) {
    for (std::size_t i = replica.running.size(); i-- > 0;) {
        if (!requests[replica.running[i]].in_flight) return i;
    }
    return replica.running.size();
}

bool any_in_flight(std::span<const RequestSlot> running, const RequestTable& requests) {
    return std::any_of(running.begin(), running.end(), [&](RequestSlot slot) { return requests[slot].in_flight; });
}

}  // namespace

std::int64_t VllmV1Policy::chunk(std::int64_t pending, std::int64_t budget) const {
    std::int64_t tokens = pending;
    if (spec_.long_prefill_threshold.value > 0) tokens = std::min(tokens, spec_.long_prefill_threshold.value);
    return std::min(tokens, budget);
}

bool VllmV1Policy::schedule_running(ReplicaState& replica, RequestTable& requests, std::size_t first,
                                    BatchDecision& decision, std::int64_t& budget) const {
    decision.stopped_by = BlameCause::kv_blocks;
    for (std::size_t i = first; i < replica.running.size() && budget > 0; ++i) {
        const RequestSlot slot = replica.running[i];
        RequestState& request = requests[slot];
        if (request.in_flight) continue;
        const std::int64_t tokens = chunk(request.pending(), budget);
        const std::int64_t needed = replica.missing_blocks(request, request.computed + tokens);
        while (replica.kv.free() < needed) {
            const std::size_t victim = last_idle(replica, requests);
            const RequestSlot evicted = replica.running[victim];
            // With another batch in flight, giving up its own KV could go back and forth between two requests
            // for ever; that batch's end brings blocks or a later victim.
            if (evicted == slot && any_in_flight(std::span(replica.running).subspan(first), requests)) return false;
            replica.running.erase(replica.running.begin() + static_cast<std::ptrdiff_t>(victim));
            preempt(replica, requests, evicted);
            decision.preempted.push_back(evicted);
            if (evicted == slot) return false;
        }
        give_blocks(replica, request, needed);
        if (!request.decoding()) share_computed(replica, requests, slot, request.computed + tokens);
        decision.members.push_back({slot, tokens, !request.decoding()});
        budget -= tokens;
    }
    return decision.preempted.empty();
}

void VllmV1Policy::admit_waiting(ReplicaState& replica, RequestTable& requests, BatchDecision& decision,
                                 std::int64_t& budget) const {
    while (!replica.waiting.empty()) {
        if (static_cast<std::int64_t>(replica.running.size()) >= spec_.max_sequences) {
            decision.stopped_by = BlameCause::sequence_limit;
            return;
        }
        decision.stopped_by = BlameCause::token_budget;
        if (budget == 0) return;
        const RequestSlot slot = replica.waiting.front();
        RequestState& request = requests[slot];
        const PrefixMatch match = match_prefix(replica, requests, slot);
        const std::int64_t pending = request.pending() - match.tokens;
        if (!spec_.chunked_prefill && pending > budget) return;
        const std::int64_t tokens = chunk(pending, budget);
        const std::int64_t context = request.computed + match.tokens + tokens;
        const std::int64_t needed =
            std::max<std::int64_t>(0, replica.blocks_for(context) - request.blocks - match.blocks);
        // Blocks that only the cache held so far stop being free when this request uses them.
        if (replica.kv.free() < needed + match.unused_blocks) {
            decision.stopped_by = BlameCause::kv_blocks;
            return;
        }
        start_from_prefix(replica, requests, slot, match);
        give_blocks(replica, request, needed);
        if (!request.decoding()) share_computed(replica, requests, slot, context);
        replica.waiting.pop_front();
        replica.running.push_back(slot);
        decision.members.push_back({slot, tokens, !request.decoding()});
        budget -= tokens;
    }
    decision.stopped_by = budget == 0 ? BlameCause::token_budget : BlameCause::step_in_flight;
}

void VllmV1Policy::form(ReplicaState& replica, RequestTable& requests, BatchDecision& decision) const {
    std::int64_t budget = spec_.max_batched_tokens.value;
    if (schedule_running(replica, requests, 0, decision, budget)) admit_waiting(replica, requests, decision, budget);
}

bool VllmV1Policy::form_around(ReplicaState& replica, RequestTable& requests, std::int64_t decodes, std::int64_t growth,
                               BatchDecision& decision) const {
    std::int64_t budget = spec_.max_batched_tokens.value - decodes;
    if (budget < 0 || growth > replica.kv.free()) return false;
    replica.kv.allocate(growth);
    // Victims come from the end of the list, so the decodes, which have their blocks, are out of their reach.
    const auto first = static_cast<std::size_t>(decodes);
    if (schedule_running(replica, requests, first, decision, budget)) admit_waiting(replica, requests, decision, budget);
    return true;
}

std::optional<std::int64_t> VllmV1Policy::stretch_blocks(const ReplicaState& replica, std::int64_t sequences,
                                                         const BatchDecision& decision) const {
    // A preempting step leaves blocks behind that the next step may admit with; and a running request that
    // was left out (budget) makes the next batch differ.
    if (!decision.preempted.empty() || sequences != static_cast<std::int64_t>(replica.running.size())) return std::nullopt;
    // Waiting requests that could not be admitted now cannot be admitted later either: blocks only get fewer
    // while the same members decode. Unless the budget was what stopped them, which is the same in each step.
    // Only a cached prefix breaks that rule: with less of it left, the first waiting request may want fewer
    // blocks in its next chunk. So a stretch evicts nothing while somebody waits.
    return replica.kv.free() - (replica.waiting.empty() ? 0 : replica.kv.cached());
}

std::string VllmV1Policy::refusal(const ReplicaState& replica, std::int64_t prompt, std::int64_t context) const {
    if (!spec_.chunked_prefill && context > spec_.max_batched_tokens.value) {
        // Its prompt fits into a step, but what it would have to compute again after an eviction may not.
        const bool at_once = prompt > spec_.max_batched_tokens.value;
        return std::string(at_once ? "prompt is " + std::to_string(prompt)
                                   : "prompt and output come to " + std::to_string(context)) +
               " tokens: without chunked prefill a step takes up to " + std::to_string(spec_.max_batched_tokens.value);
    }
    return BatchPolicy::refusal(replica, prompt, context);
}

}  // namespace replayd
