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

/// Blocks up to which hashes stand for the context of a request.
std::int64_t hashed_blocks(const ReplicaState& replica, const RequestState& request, const Arrival& arrival) {
    return request.next_hash * arrival.prefix_block.value / replica.kv.block_tokens();
}

/// Adds the request's own run to the chain before it.
void match_own(const ReplicaState& replica, const RequestState& request, PrefixMatch& match) {
    if (match.host_blocks > 0 || match.blocks != request.own_run.first) return;
    const std::int64_t usable = (request.target - 1) / replica.kv.block_tokens() - request.own_run.first;
    const std::int64_t own =
        std::min(usable, replica.kv.cache()->run_blocks(request.own_run.entry, request.sequence));
    if (own <= 0) return;
    match.own_blocks = own;
    match.blocks += own;
    match.unused_blocks += own;
    match.tokens = match.blocks * replica.kv.block_tokens();
}

/// Gives back the blocks of a request, `findable` of them as its own run. Returns that.
CacheEntry leave_kv(ReplicaState& replica, RequestTable& requests, RequestSlot slot, std::int64_t findable) {
    RequestState& request = requests[slot];
    const std::int64_t own = request.blocks - request.shared_blocks;
    const CacheEntry run = replica.kv.leave(request.sequence, std::min(findable, own), own - std::min(findable, own));
    replica.kv.release_prefix(requests.held(slot));
    request.blocks = request.shared_blocks = request.next_hash = 0;
    return run;
}

PrefixMatch match_hashes(const ReplicaState& replica, const RequestState& request, const Arrival& arrival) {
    if (arrival.prefix_hashes.empty()) return {};
    // After a preemption the context is longer than the prompt, whose last hash may be that of a partial block.
    const std::int64_t size = arrival.prefix_block.value;
    const auto whole = std::min(static_cast<std::int64_t>(arrival.prefix_hashes.size()), request.prompt / size);
    return replica.kv.cache()->match(std::span(arrival.prefix_hashes).first(static_cast<std::size_t>(whole)), size,
                                     request.target);
}

}  // namespace

PrefixMatch match_prefix(const ReplicaState& replica, const RequestTable& requests, RequestSlot slot) {
    const RequestState& request = requests[slot];
    if (replica.kv.cache() == nullptr || request.blocks > 0) return {};
    PrefixMatch match = match_hashes(replica, request, requests.arrival(slot));
    match_own(replica, request, match);
    return match;
}

void start_from_prefix(ReplicaState& replica, RequestTable& requests, RequestSlot slot, const PrefixMatch& match) {
    RequestState& request = requests[slot];
    if (replica.kv.cache() == nullptr || request.blocks > 0) return;
    const Arrival& arrival = requests.arrival(slot);
    replica.kv.use_prefix(arrival.prefix_hashes, match, request.target, requests.held(slot));
    replica.kv.take_run(request.own_run.entry, request.sequence, match);
    request.own_run = {};
    request.blocks = match.blocks;
    request.shared_blocks = match.blocks - match.own_blocks;
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
    (void)leave_kv(replica, requests, slot, 0);
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
    // Whole blocks only; what hashes stand for is found by them.
    const std::int64_t first = hashed_blocks(replica, request, requests.arrival(slot));
    const std::int64_t whole = request.computed / replica.kv.block_tokens();
    const CacheEntry run = leave_kv(replica, requests, slot, std::max<std::int64_t>(0, whole - first));
    request.own_run = {run, first};
    request.high_water = std::max(request.high_water, request.computed);
    request.target = request.prompt + request.generated;
    request.computed = 0;
    ++request.preemptions;
    enqueue_early(replica, requests, slot);
}

}  // namespace replayd
