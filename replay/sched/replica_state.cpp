#include "replay/sched/replica_state.hpp"

#include <algorithm>

#include "replay/base/assert.hpp"

namespace replayd {
namespace {

std::deque<RequestSlot>::iterator first_without_kv(ReplicaState& replica, const RequestTable& requests) {
    return std::find_if(replica.waiting.begin(), replica.waiting.end(),
                        [&](RequestSlot slot) { return !requests[slot].decoding(); });
}

}  // namespace

PrefixMatch match_prefix(const ReplicaState& replica, const RequestTable& requests, RequestSlot slot) {
    const RequestState& request = requests[slot];
    const Arrival& arrival = requests.arrival(slot);
    if (replica.kv.cache() == nullptr || request.blocks > 0 || arrival.prefix_hashes.empty()) return {};
    return replica.kv.cache()->match(arrival.prefix_hashes, arrival.prefix_block.value, request.target);
}

void start_from_prefix(ReplicaState& replica, RequestTable& requests, RequestSlot slot, const PrefixMatch& match) {
    RequestState& request = requests[slot];
    if (replica.kv.cache() == nullptr || request.blocks > 0) return;
    const Arrival& arrival = requests.arrival(slot);
    replica.kv.use_prefix(arrival.prefix_hashes, match, request.target, requests.held(slot));
    request.blocks = request.shared_blocks = match.blocks;
    request.next_hash = match.entries;
    request.computed = match.tokens;
    if (!request.ever_scheduled) request.cached = match.tokens;
}

void share_computed(ReplicaState& replica, RequestTable& requests, RequestSlot slot, std::int64_t computed) {
    if (replica.kv.cache() == nullptr) return;
    const Arrival& arrival = requests.arrival(slot);
    RequestState& request = requests[slot];
    const auto hashes = static_cast<std::int64_t>(arrival.prefix_hashes.size());
    const std::int64_t size = arrival.prefix_block.value;
    while (request.next_hash < hashes && (request.next_hash + 1) * size <= std::min(computed, request.prompt)) {
        const std::uint64_t hash = arrival.prefix_hashes[static_cast<std::size_t>(request.next_hash)];
        request.shared_blocks += replica.kv.share_prefix(hash, request.next_hash, size, requests.held(slot));
        ++request.next_hash;
    }
}

void release_kv(ReplicaState& replica, RequestTable& requests, RequestSlot slot) {
    RequestState& request = requests[slot];
    replica.kv.release(request.blocks - request.shared_blocks);
    replica.kv.release_prefix(requests.held(slot));
    request.blocks = request.shared_blocks = request.next_hash = 0;
}

void enqueue_ready(ReplicaState& replica, const RequestTable& requests, RequestSlot slot) {
    REPLAYD_ASSERT(requests[slot].decoding());
    replica.waiting.insert(first_without_kv(replica, requests), slot);
}

void preempt(ReplicaState& replica, RequestTable& requests, RequestSlot slot) {
    RequestState& request = requests[slot];
    REPLAYD_ASSERT(!request.in_flight);
    release_kv(replica, requests, slot);
    request.high_water = std::max(request.high_water, request.computed);
    request.target = request.prompt + request.generated;
    request.computed = 0;
    ++request.preemptions;
    replica.waiting.insert(first_without_kv(replica, requests), slot);
}

}  // namespace replayd
