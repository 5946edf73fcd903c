// Schedulers that decide a step ahead (vLLM's asynchronous scheduling, vllm-project/vllm v0.19, vllm/v1/engine/core.py,
// step_with_batch_queue): step k + 2 is decided when step k ends, while k + 1 runs. Requests that came while k ran
// become visible then; those that finish with k + 1 still hold their blocks and their places. All else that k + 1 does
// is known beforehand.
//
// Here step k + 2 is formed when k + 1 ends, as without, from what was known when k + 1 began: who came later is kept
// unseen, and who finished with k + 1 leaves after the forming. If nothing can be formed so, the scheduler looks again,
// and sees all: with nothing in flight it decides for the instant. That is also how a data-parallel rank without work
// begins.
//
// Left out: a request that finishes with k + 1 could be the one that is evicted for k + 2.

#include <algorithm>

#include "replay/base/assert.hpp"
#include "replay/sim/engine.hpp"

namespace replayd {

void Run::Impl::join_queue(ReplicaState& replica, RequestSlot slot) {
    const ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(replica.index)];
    // What comes with a step's end, after it, is not seen at that moment: as if the step went on in a stretch.
    if (runtime.decides_ahead && (!runtime.in_flight.empty() || runtime.last_end == now_)) {
        keep_unseen(replica, slot);
    } else if (requests_[slot].blocks > 0) {
        interrupt(replica.index);
        enqueue_ready(replica, requests_, slot);
    } else if (enqueue(replica, requests_, slot)) {
        // Behind others that could not be admitted it could not be admitted either.
        interrupt(replica.index);
    }
}

void Run::Impl::keep_unseen(ReplicaState& replica, RequestSlot slot) {
    const BatchQueue& in_flight = runtimes_[static_cast<std::size_t>(replica.index)].in_flight;
    RequestState& request = requests_[slot];
    replica.unseen.push_back(slot);
    request.seen = now_;
    if (in_flight.empty()) return;
    const BatchInFlight& batch = in_flight.front();
    const bool idle = batch.sequences() == 0;  // the rank goes along with its group: it decides when the step ends
    request.seen = batch.ends[batch.step_at(now_)];
    request.unseen_cause = idle ? BlameCause::other_ranks : BlameCause::decided_ahead;
    // KV that came can be shared at once, so that another one may start.
    const bool next_step_known = !idle && request.blocks == 0;
    interrupt(replica.index, next_step_known ? 1 : 0);
}

bool Run::Impl::form_ahead(ReplicaState& replica, BatchInFlight& batch) {
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(replica.index)];
    show_until(replica, runtime.last_start);
    bool formed = form(replica, batch);
    runtime.resources_freed = !replica.leaving.empty();
    release_leaving(replica);
    if (!formed && (show_until(replica, now_) || runtime.resources_freed)) {
        formed = form(replica, batch);
        runtime.resources_freed = false;
    }
    return formed;
}

bool Run::Impl::show_until(ReplicaState& replica, VirtualTime time) {
    const ReplicaClocks& clocks = runtimes_[static_cast<std::size_t>(replica.index)].clocks;
    const auto later = std::find_if(replica.unseen.begin(), replica.unseen.end(),
                                    [&](RequestSlot slot) { return requests_[slot].mark > time; });
    if (later == replica.unseen.begin()) return false;
    for (auto each = replica.unseen.begin(); each != later; ++each) {
        RequestState& request = requests_[*each];
        REPLAYD_ASSERT(request.mark <= request.seen && request.seen <= now_);
        request.ledger[request.wait_part] += now_ - request.mark;
        request.blame[request.unseen_cause] += request.seen - request.mark;
        request.blame[BlameCause::step_in_flight] += now_ - request.seen;
        request.mark = now_;
        request.begin_wait(now_, request.wait_part, clocks);
        if (request.blocks > 0) {
            enqueue_ready(replica, requests_, *each);
        } else {
            enqueue(replica, requests_, *each);
        }
    }
    replica.unseen.erase(replica.unseen.begin(), later);
    return true;
}

void Run::Impl::release_leaving(ReplicaState& replica) {
    for (const RequestSlot slot : replica.leaving) {
        release_kv(replica, requests_, slot);
        remove(slot);
        blocks_freed_ = true;
    }
    replica.leaving.clear();
}

bool Run::Impl::next_differs(const ReplicaState& replica) const {
    const ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(replica.index)];
    if (!runtime.decides_ahead) return false;
    return !replica.unseen.empty() || (runtime.resources_freed && !replica.waiting.empty());
}

}  // namespace replayd
