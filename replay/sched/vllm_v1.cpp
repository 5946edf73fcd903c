#include "replay/sched/vllm_v1.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "replay/base/assert.hpp"

namespace replayd {
namespace {

void give_blocks(ReplicaState& replica, RequestState& request, std::int64_t blocks) {
    replica.kv.allocate(blocks);
    request.blocks += blocks;
}

/// Whether `a` is evicted rather than `b` in a queue by priority. Sequences count arrivals.
bool evicted_before(const RequestState& a, const RequestState& b) {
    return std::pair(a.priority, a.sequence) > std::pair(b.priority, b.sequence);
}

/// Takes a request out of the batch that is being formed. Returns the tokens that it had there.
std::int64_t drop_member(BatchDecision& decision, RequestSlot slot) {
    const auto member = std::find_if(decision.members.begin(), decision.members.end(),
                                     [&](const ScheduledTokens& scheduled) { return scheduled.slot == slot; });
    if (member == decision.members.end()) return 0;
    const std::int64_t tokens = member->tokens;
    decision.members.erase(member);
    return tokens;
}

bool any_in_flight(std::span<const RequestSlot> running, const RequestTable& requests) {
    return std::any_of(running.begin(), running.end(), [&](RequestSlot slot) { return requests[slot].in_flight; });
}

}  // namespace

std::int64_t VllmV1Policy::wanted(const RequestState& request) const {
    if (!request.decoding()) return request.pending();
    // No more drafts than tokens that its output lacks after the next one, so that its context never outgrows plain
    // decoding's.
    return 1 + std::min(drafts_, request.output - request.generated - 1);
}

std::int64_t VllmV1Policy::chunk(std::int64_t pending, std::int64_t budget) const {
    std::int64_t tokens = pending;
    if (spec_.long_prefill_threshold.value > 0) tokens = std::min(tokens, spec_.long_prefill_threshold.value);
    return std::min(tokens, budget);
}

std::size_t VllmV1Policy::victim(const ReplicaState& replica, const RequestTable& requests) const {
    std::size_t found = replica.running.size();
    for (std::size_t i = replica.running.size(); i-- > 0;) {
        const RequestState& request = requests[replica.running[i]];
        if (request.in_flight) continue;
        if (spec_.queue != QueueOrder::priority) return i;
        if (found == replica.running.size() || evicted_before(request, requests[replica.running[found]])) found = i;
    }
    return found;  // there is one: the request that asks
}

bool VllmV1Policy::suffice(std::int64_t blocks, const ReplicaState& replica, const RequestTable& requests,
                           std::size_t first, std::int64_t budget) const {
    for (std::size_t i = first; i < replica.running.size() && budget > 0; ++i) {
        const RequestState& request = requests[replica.running[i]];
        if (request.in_flight) continue;
        const std::int64_t tokens = chunk(wanted(request), budget);
        blocks -= replica.missing_blocks(request, request.computed + tokens);
        budget -= tokens;
    }
    return blocks >= 0;
}

bool VllmV1Policy::schedule_running(ReplicaState& replica, RequestTable& requests, std::size_t first,
                                    BatchDecision& decision, std::int64_t& budget) const {
    const bool all = take_running(replica, requests, first, decision, budget);
    // Not before: a request that is evicted after it was scheduled has computed nothing.
    for (const ScheduledTokens& member : decision.members) {
        if (member.prefill) {
            share_computed(replica, requests, member.slot, requests[member.slot].computed + member.tokens);
        }
    }
    return all;
}

bool VllmV1Policy::take_running(ReplicaState& replica, RequestTable& requests, std::size_t first,
                                BatchDecision& decision, std::int64_t& budget) const {
    decision.stopped_by = BlameCause::kv_blocks;
    for (std::size_t i = first; i < replica.running.size() && budget > 0; ++i) {
        const RequestSlot slot = replica.running[i];
        RequestState& request = requests[slot];
        if (request.in_flight) continue;
        const std::int64_t tokens = chunk(wanted(request), budget);
        const std::int64_t needed = replica.missing_blocks(request, request.computed + tokens);
        while (replica.kv.free() < needed) {
            const std::size_t position = victim(replica, requests);
            const RequestSlot evicted = replica.running[position];
            // With another batch in flight, giving up its own KV could go back and forth between two requests
            // for ever; that batch's end brings blocks or a later victim.
            if (evicted == slot && any_in_flight(std::span(replica.running).subspan(first), requests)) return false;
            replica.running.erase(replica.running.begin() + static_cast<std::ptrdiff_t>(position));
            if (position < i) {
                --i;
                budget += drop_member(decision, evicted);
            }
            preempt(replica, requests, evicted);
            decision.preempted.push_back(evicted);
            if (evicted == slot) return false;
        }
        give_blocks(replica, request, needed);
        decision.members.push_back({slot, tokens, !request.decoding()});
        budget -= tokens;
    }
    return decision.preempted.empty();
}

std::int64_t VllmV1Policy::reserve(const ReplicaState& replica, const RequestState& request,
                                   const PrefixMatch& match) const {
    if (!spec_.reserve_full_prompt) return 0;
    return replica.blocks_for(std::max(request.target, request.computed)) - request.blocks - match.blocks;
}

void VllmV1Policy::admit_waiting(ReplicaState& replica, RequestTable& requests, BatchDecision& decision,
                                 std::int64_t& budget) const {
    while (!replica.waiting.empty()) {
        if (static_cast<std::int64_t>(replica.running.size() + replica.leaving.size()) >= spec_.max_sequences) {
            decision.stopped_by = BlameCause::sequence_limit;
            return;
        }
        decision.stopped_by = BlameCause::token_budget;
        if (budget == 0) return;
        const RequestSlot slot = replica.waiting.front();
        RequestState& request = requests[slot];
        const PrefixMatch match = match_prefix(replica, requests, slot);
        if (match.host_blocks > 0) {
            decision.stopped_by = BlameCause::kv_blocks;
            if (!begin_load(replica, requests, slot, match)) return;
            decision.loads.push_back({slot, match.host_blocks});
            continue;
        }
        const std::int64_t pending = wanted(request) - match.tokens;
        if (!spec_.chunked_prefill && pending > budget) return;
        const std::int64_t tokens = chunk(pending, budget);
        const std::int64_t context = request.computed + match.tokens + tokens;
        const std::int64_t needed =
            std::max<std::int64_t>(0, replica.blocks_for(context) - request.blocks - match.blocks);
        // Blocks that only the cache held so far stop being free when this request uses them.
        if (replica.kv.free() < std::max(needed, reserve(replica, request, match)) + match.unused_blocks) {
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
    const auto first = static_cast<std::size_t>(decodes);
    // Victims come from the end of the list, so the decodes, which have their blocks, are out of their reach. By
    // priority one of them could be the victim.
    if (spec_.queue == QueueOrder::priority &&
        !suffice(replica.kv.free() - growth, replica, requests, first, budget)) {
        return false;
    }
    replica.kv.allocate(growth);
    if (schedule_running(replica, requests, first, decision, budget)) {
        admit_waiting(replica, requests, decision, budget);
    }
    return true;
}

std::optional<std::int64_t> VllmV1Policy::stretch_blocks(const ReplicaState& replica, std::int64_t sequences,
                                                         const BatchDecision& decision) const {
    // A preempting step leaves blocks behind that the next step may admit with; and a running request that
    // was left out (budget) makes the next batch differ.
    if (!decision.preempted.empty() || sequences != static_cast<std::int64_t>(replica.running.size())) {
        return std::nullopt;
    }
    // Waiting requests that could not be admitted now cannot be admitted later either: blocks only get fewer
    // while the same members decode. Unless the budget was what stopped them, which is the same in each step.
    // Where a request must fit as a whole, what is evicted of the prefix that it could share takes as much from the
    // blocks that it needs as from those that are free. Without that rule it may want fewer blocks in its next chunk,
    // and with a host tier its prefix may move there: then a stretch evicts nothing while somebody waits.
    const bool any_eviction = replica.waiting.empty() || replica.kv.cache() == nullptr ||
                              (spec_.reserve_full_prompt && replica.kv.cache()->host().capacity() == 0);
    return any_eviction ? replica.kv.free() : replica.kv.blank();
}

std::string VllmV1Policy::refusal(const ReplicaState& replica, std::int64_t prompt, std::int64_t context) const {
    if (!spec_.chunked_prefill && context > spec_.max_batched_tokens.value) {
        // Its prompt fits into a step, but what it would have to compute again after an eviction may not.
        const bool at_once = prompt > spec_.max_batched_tokens.value;
        return std::string(at_once ? "prompt is " + std::to_string(prompt)
                                   : "prompt and output come to " + std::to_string(context)) +
               " tokens: without chunked prefill a step takes up to " + std::to_string(spec_.max_batched_tokens.value);
    }
    return BatchPolicy::refusal(replica, prompt, context + drafts_);
}

std::int64_t VllmV1Policy::reservation(const ReplicaState& replica, std::int64_t prompt) const {
    return replica.blocks_for(prompt + 1 + drafts_);
}

}  // namespace replayd
