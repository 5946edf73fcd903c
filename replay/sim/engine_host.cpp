// Loads of cached KV from the host tier. A request that finds a part of its prefix only there leaves the queue with
// blocks for its whole prompt, waits for the replica's link from the host (first come first served, one load at a
// time), and comes back, before those that hold no KV, when its load has ended. Others may be scheduled before it
// meanwhile, as with vLLM's WAITING_FOR_REMOTE_KVS. Its ledger counts the wait for the link as transfer_wait and the
// load as transfer. Each GPU of a replica loads its own part over its own link, all at the same time.

#include <algorithm>
#include <cmath>

#include "replay/base/assert.hpp"
#include "replay/sim/engine.hpp"

namespace replayd {

Duration Run::Impl::loading_time(std::size_t pool, std::int64_t blocks) const {
    const PoolSpec& spec = compiled_->scenario.pools[pool];
    const double rate = spec.kv.host_bytes_per_s > 0 ? spec.kv.host_bytes_per_s : spec.gpu.pcie_bytes_per_s;
    REPLAYD_ASSERT(rate >= 1);
    const std::int64_t block = compiled_->plans[pool].kv_bytes_per_block.value;
    return sending_time(k_nanobytes_per_byte * blocks * block, std::llround(rate));
}

void Run::Impl::start_loads(const ReplicaState& replica, const BatchDecision& decision) {
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(replica.index)];
    for (const HostLoad& load : decision.loads) {
        RequestState& request = requests_[load.slot];
        request.account_wait(now_, runtime.clocks);
        if (!request.ever_scheduled && !request.loaded_first) {
            request.loaded_first = true;
            --runtime.never_ran;
        }
        const VirtualTime start = std::max(now_, runtime.host_link_free);
        runtime.host_link_free = start + loading_time(replica.pool, load.blocks);
        const Duration latency = compiled_->scenario.pools[replica.pool].kv.host_latency;
        // At least one nanosecond: a cause comes before its effect.
        const VirtualTime end = std::max(runtime.host_link_free + latency, VirtualTime(now_.ns + 1));
        log(EventKind::host_load, request.sequence, end.ns);
        load_ends_.push({end, request.sequence, start, load.slot});
        ++transferring_;
    }
}

void Run::Impl::end_load() {
    const LoadEnd load = load_ends_.top();
    load_ends_.pop();
    --transferring_;
    RequestState& request = requests_[load.slot];
    request.ledger[LedgerPart::transfer_wait] += load.start - request.mark;
    request.ledger[LedgerPart::transfer] += now_ - load.start;
    request.mark = now_;
    request.begin_wait(now_, request.wait_part, runtime_of(request).clocks);
    ReplicaState& replica = replicas_[static_cast<std::size_t>(request.replica)];
    --replica.incoming;
    // What a decode stretch has grown into may have evicted the same prefix.
    sync_blocks(replica.index, now_);
    share_computed(replica, requests_, load.slot, request.computed);
    join_queue(replica, load.slot);
    mark_dirty(replica.index);
}

}  // namespace replayd
