#include "replay/sched/replica_state.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "replay/base/assert.hpp"

namespace replayd {
namespace {

std::deque<RequestSlot>::iterator first_without_kv(ReplicaState& replica, const RequestTable& requests) {
    return std::find_if(replica.waiting.begin(), replica.waiting.end(),
                        [&](RequestSlot slot) { return requests[slot].blocks == 0; });
}

/// Whether `a` goes before `b` in a queue that is not first come first served. Sequences count arrivals.
bool goes_before(QueueOrder order, const RequestState& a, const RequestState& b) {
    if ((a.blocks == 0) != (b.blocks == 0)) return b.blocks == 0;
    const auto rank = [&](const RequestState& request) {
        return order == QueueOrder::priority ? request.priority : request.pending();
    };
    return std::pair(rank(a), a.sequence) < std::pair(rank(b), b.sequence);
}

std::deque<RequestSlot>::iterator place_by_rank(ReplicaState& replica, const RequestTable& requests, RequestSlot slot) {
    return std::upper_bound(replica.waiting.begin(), replica.waiting.end(), slot, [&](RequestSlot a, RequestSlot b) {
        return goes_before(replica.order, requests[a], requests[b]);
    });
}

/// Queues a request that under fcfs goes before all that must compute and came later.
void enqueue_early(ReplicaState& replica, const RequestTable& requests, RequestSlot slot) {
    const bool fcfs = replica.order == QueueOrder::fcfs;
    replica.waiting.insert(fcfs ? first_without_kv(replica, requests) : place_by_rank(replica, requests, slot), slot);
}

}  // namespace

PrefixMatch match_prefix(const ReplicaState& replica, const RequestTable& requests, RequestSlot slot) {
    const RequestState& request = requests[slot];
    const Arrival& arrival = requests.arrival(slot);
    if (replica.kv.cache() == nullptr || request.blocks > 0 || arrival.prefix_hashes.empty()) return {};
    // After a preemption the context is longer than the prompt, whose last hash may be that of a partial block.
    const std::int64_t size = arrival.prefix_block.value;
    const auto whole = std::min(static_cast<std::int64_t>(arrival.prefix_hashes.size()), request.prompt / size);
    return replica.kv.cache()->match(std::span(arrival.prefix_hashes).first(static_cast<std::size_t>(whole)), size,
                                     request.target);
}

void start_from_prefix(ReplicaState& replica, RequestTable& requests, RequestSlot slot, const PrefixMatch& match) {
    RequestState& request = requests[slot];
    if (replica.kv.cache() == nullptr || request.blocks > 0) return;
    const Arrival& arrival = requests.arrival(slot);
    replica.kv.use_prefix(arrival.prefix_hashes, match, request.target, requests.held(slot));
    request.blocks = request.shared_blocks = match.blocks;
    request.next_hash = match.on_device;
    request.computed = match.tokens;
    if (!request.ever_scheduled) request.cached = match.tokens;
}

bool begin_load(ReplicaState& replica, RequestTable& requests, RequestSlot slot, const PrefixMatch& match) {
    RequestState& request = requests[slot];
    REPLAYD_ASSERT(replica.waiting.front() == slot);
    const std::int64_t needed = replica.blocks_for(request.target) - match.blocks;
    if (replica.kv.free() < needed + match.unused_blocks) return false;
    start_from_prefix(replica, requests, slot, match);
    replica.kv.allocate(needed);
    request.blocks += needed;
    replica.waiting.pop_front();
    ++replica.incoming;
    return true;
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

bool enqueue(ReplicaState& replica, const RequestTable& requests, RequestSlot slot) {
    const bool fcfs = replica.order == QueueOrder::fcfs;
    const auto place = fcfs ? replica.waiting.end() : place_by_rank(replica, requests, slot);
    const bool head = place == replica.waiting.begin();
    replica.waiting.insert(place, slot);
    return head;
}

void enqueue_ready(ReplicaState& replica, const RequestTable& requests, RequestSlot slot) {
    REPLAYD_ASSERT(requests[slot].blocks > 0);
    enqueue_early(replica, requests, slot);
}

void reorder_queue(ReplicaState& replica, const RequestTable& requests, QueueOrder order) {
    replica.order = order;
    if (order == QueueOrder::fcfs) return;
    std::stable_sort(replica.waiting.begin(), replica.waiting.end(), [&](RequestSlot a, RequestSlot b) {
        return goes_before(order, requests[a], requests[b]);
    });
}

void preempt(ReplicaState& replica, RequestTable& requests, RequestSlot slot) {
    RequestState& request = requests[slot];
    REPLAYD_ASSERT(!request.in_flight);
    release_kv(replica, requests, slot);
    request.high_water = std::max(request.high_water, request.computed);
    request.target = request.prompt + request.generated;
    request.computed = 0;
    ++request.preemptions;
    enqueue_early(replica, requests, slot);
}

}  // namespace replayd
