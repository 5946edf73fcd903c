// Statistics windows: every replica is brought up to a window's end before the window closes. And what attention plans
// need, which windows tell.

#include <algorithm>

#include "replay/base/assert.hpp"
#include "replay/memory/planned_workspace.hpp"
#include "replay/sim/engine.hpp"

namespace replayd {

void Run::Impl::close_windows(VirtualTime until) {
    while (windows_.end() <= until) {
        const bool idle = windows_.untouched() && requests_.active() == 0;
        if (idle) {
            windows_.skip_to(until);
            return;
        }
        close_window();
    }
}

void Run::Impl::close_window() {
    const VirtualTime end = windows_.end();
    for (std::size_t i = 0; i < replicas_.size(); ++i) {
        const auto index = static_cast<std::int32_t>(i);
        sync_blocks(index, end);
        BatchQueue& in_flight = runtimes_[i].in_flight;
        for (std::size_t batch = 0; batch < in_flight.size(); ++batch) count_steps(index, in_flight[batch], end);
        if (!in_flight.empty()) count_busy(index, end);
    }
    WindowRecord& window = windows_.open();
    for (const ReplicaState& replica : replicas_) {
        PoolWindow& pool = window.pools[replica.pool];
        pool.waiting += replica.queued();
        pool.running += static_cast<std::int64_t>(replica.running.size());
        pool.kv_blocks_used += replica.kv.used();
        if (exists(replica)) pool.kv_blocks_total += replica.kv.capacity();
        pool.kv_blocks_cached += replica.kv.cached();
        windows_.note_replica({replica.index, static_cast<std::int32_t>(replica.pool), replica.kv.used(),
                               replica.kv.cached(), runtimes_[static_cast<std::size_t>(replica.index)].workspace});
    }
    for (const PoolWindow& pool : window.pools) {
        window.waiting += pool.waiting;
        window.running += pool.running;
        window.kv_blocks_used += pool.kv_blocks_used;
        window.kv_blocks_total += pool.kv_blocks_total;
    }
    window.transferring = transferring_;
    sink_->on_window(windows_.close());
}

void Run::Impl::count_steps(std::int32_t index, BatchInFlight& batch, VirtualTime before) {
    const std::size_t ended = batch.step_at(before);
    const auto steps = static_cast<std::int64_t>(ended - batch.counted);
    if (steps == 0 || batch.sequences() == 0) return;
    batch.counted = ended;
    StepTotals totals;
    totals.steps = steps;
    totals.prefill_tokens = steps * batch.shape.prefill_tokens;
    totals.output_tokens = steps * (batch.shape.sampled_sequences - batch.shape.draft_tokens) + batch.accepted;
    totals.tokens = steps * (batch.shape.prefill_tokens + batch.shape.decode_sequences + batch.shape.draft_tokens);
    totals.sequences = steps * batch.sequences();
    totals_.steps += steps;
    totals_.prompt_tokens += Tokens(totals.prefill_tokens);
    totals_.output_tokens += Tokens(totals.output_tokens);
    windows_.count_steps(replicas_[static_cast<std::size_t>(index)].pool, totals);
}

void Run::Impl::count_busy(std::int32_t index, VirtualTime until) {
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(index)];
    // A rank that only goes along with the others of its group is not busy.
    if (runtime.in_flight.any_work()) {
        const std::size_t pool = replicas_[static_cast<std::size_t>(index)].pool;
        windows_.count_busy(pool, until - runtime.busy_since);
        scaling_[pool].busy += until - runtime.busy_since;
    }
    runtime.busy_since = until;
}

void Run::Impl::note_workspace(std::int32_t index, const BatchDecision& decision) {
    const std::size_t pool = replicas_[static_cast<std::size_t>(index)].pool;
    const PoolSpec& spec = compiled_->scenario.pools[pool];
    if (spec.runtime.attention != AttentionBackend::flashinfer) return;
    std::vector<std::int64_t> rows;
    std::vector<std::int64_t> pages;
    for (const ScheduledTokens& member : decision.members) {
        if (!member.prefill) continue;
        rows.push_back(member.tokens);
        pages.push_back(ceil_div(requests_[member.slot].computed + member.tokens, spec.kv.block.value));
    }
    const auto need = prefill_need(compiled_->scenario.model, spec, rows, pages);
    REPLAYD_ASSERT(need.has_value());
    Bytes& most = runtimes_[static_cast<std::size_t>(index)].workspace;
    most = std::max(most, *need);
}

}  // namespace replayd
