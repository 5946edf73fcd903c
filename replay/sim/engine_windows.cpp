// Statistics windows: every replica is brought up to a window's end before the window closes.

#include <algorithm>

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
        pool.waiting += static_cast<std::int64_t>(replica.waiting.size());
        pool.running += static_cast<std::int64_t>(replica.running.size());
        pool.kv_blocks_used += replica.kv.used();
        pool.kv_blocks_total += replica.kv.capacity();
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
    if (steps == 0) return;
    batch.counted = ended;
    StepTotals totals;
    totals.steps = steps;
    totals.prefill_tokens = steps * batch.shape.prefill_tokens;
    totals.output_tokens = steps * batch.shape.sampled_sequences;
    totals.tokens = steps * (batch.shape.prefill_tokens + batch.shape.decode_sequences);
    totals.sequences = steps * batch.sequences();
    totals_.steps += steps;
    totals_.prompt_tokens += Tokens(totals.prefill_tokens);
    totals_.output_tokens += Tokens(totals.output_tokens);
    windows_.count_steps(replicas_[static_cast<std::size_t>(index)].pool, totals);
}

void Run::Impl::count_busy(std::int32_t index, VirtualTime until) {
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(index)];
    windows_.count_busy(replicas_[static_cast<std::size_t>(index)].pool, until - runtime.busy_since);
    runtime.busy_since = until;
}

}  // namespace replayd
