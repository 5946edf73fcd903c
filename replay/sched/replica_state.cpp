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

void enqueue_ready(ReplicaState& replica, const RequestTable& requests, RequestSlot slot) {
    REPLAYD_ASSERT(requests[slot].decoding());
    replica.waiting.insert(first_without_kv(replica, requests), slot);
}

void preempt(ReplicaState& replica, RequestTable& requests, RequestSlot slot) {
    RequestState& request = requests[slot];
    REPLAYD_ASSERT(!request.in_flight);
    replica.kv.release(request.blocks);
    request.blocks = 0;
    request.high_water = std::max(request.high_water, request.computed);
    request.target = request.prompt + request.generated;
    request.computed = 0;
    ++request.preemptions;
    replica.waiting.insert(first_without_kv(replica, requests), slot);
}

}  // namespace replayd
