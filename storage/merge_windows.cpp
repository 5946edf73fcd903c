#include "storage/merge_windows.hpp"

#include <algorithm>
#include <iterator>

#include "replay/base/assert.hpp"

namespace replayd::storage {
namespace {

void append_pool(PoolWindow& into, const PoolWindow& next) {
    into.waiting = next.waiting;
    into.running = next.running;
    into.kv_blocks_used = next.kv_blocks_used;
    into.kv_blocks_total = next.kv_blocks_total;
    into.kv_blocks_cached = next.kv_blocks_cached;
    into.steps += next.steps;
    into.busy += next.busy;
    into.prompt_tokens += next.prompt_tokens;
    into.output_tokens += next.output_tokens;
}

/// What changed in either window, as it is at the end of the second; both ascending.
std::vector<ReplicaWindow> latest(const std::vector<ReplicaWindow>& first, const std::vector<ReplicaWindow>& second) {
    std::vector<ReplicaWindow> out;
    // std::set_union takes equal elements from the range named first.
    std::set_union(second.begin(), second.end(), first.begin(), first.end(), std::back_inserter(out),
                   [](const ReplicaWindow& a, const ReplicaWindow& b) { return a.replica < b.replica; });
    return out;
}

}  // namespace

void append_window(WindowRecord& into, const WindowRecord& next) {
    REPLAYD_ASSERT(next.start >= into.start && next.pools.size() == into.pools.size() &&
                   next.slo_classes.size() == into.slo_classes.size());
    into.length = next.start + next.length - into.start;
    into.arrived += next.arrived;
    into.finished += next.finished;
    into.rejected += next.rejected;
    into.within_slo += next.within_slo;
    into.prompt_tokens += next.prompt_tokens;
    into.cached_tokens += next.cached_tokens;
    into.output_tokens += next.output_tokens;
    into.steps += next.steps;
    into.preemptions += next.preemptions;
    into.waiting = next.waiting;
    into.running = next.running;
    into.transferring = next.transferring;
    into.kv_blocks_used = next.kv_blocks_used;
    into.kv_blocks_total = next.kv_blocks_total;
    into.busy += next.busy;
    into.batch_tokens += next.batch_tokens;
    into.batch_sequences += next.batch_sequences;
    into.ttft.merge(next.ttft);
    into.tpot.merge(next.tpot);
    into.e2e.merge(next.e2e);
    into.queue.merge(next.queue);
    for (std::size_t i = 0; i < into.ledger.size(); ++i) into.ledger[i] += next.ledger[i];
    into.blame += next.blame;
    for (std::size_t i = 0; i < into.slo_classes.size(); ++i) {
        into.slo_classes[i].finished += next.slo_classes[i].finished;
        into.slo_classes[i].within_slo += next.slo_classes[i].within_slo;
    }
    for (std::size_t i = 0; i < into.pools.size(); ++i) append_pool(into.pools[i], next.pools[i]);
    into.replicas = latest(into.replicas, next.replicas);
}

}  // namespace replayd::storage
