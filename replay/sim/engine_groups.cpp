// Replicas with several data-parallel ranks. The ranks exchange tokens in every layer with experts, so they begin and
// end each step together: when none is in flight and any rank has something to run, all form their batches, the step
// takes what GroupCost says of all of them, and all batches end at the same instant. A rank without work has an empty
// batch in flight meanwhile (vLLM's dummy batch: vllm-project/vllm v0.19, vllm/v1/engine/core.py, DPEngineCoreProc): no
// step and no busy time of it in the statistics. A request that comes to it waits for the step's end. With pipeline
// stages each micro-batch is one of the group. A decode stretch is one of the group too: as long as its shortest, cut
// for all ranks at once.

#include <algorithm>

#include "replay/base/assert.hpp"
#include "replay/cost/afd/faults.hpp"
#include "replay/sim/engine.hpp"

namespace replayd {

void Run::Impl::schedule_group(std::int32_t index) {
    const RankGroup& group = groups_[static_cast<std::size_t>(index)];
    const auto first = static_cast<std::size_t>(group.first);
    const GroupCost& cost = *compiled_->group_costs[replicas_[first].pool];
    while (!runtimes_[first].in_flight.full()) {
        if (!prepare_group(group)) return;
        group_times_.resize(runtimes_[first].stage_free.size());
        cost.step(group_shapes_, group_times_);
        add_faults(group);
        for (std::size_t i = first; i < first + static_cast<std::size_t>(group.size); ++i) {
            plan_rank(static_cast<std::int32_t>(i), runtimes_[i].in_flight.filled());
        }
        if (group_times_.size() == 1 && !faults_ahead(group)) extend_group_stretch(group);
        for (std::size_t i = first; i < first + static_cast<std::size_t>(group.size); ++i) {
            const auto rank = static_cast<std::int32_t>(i);
            if (!runtimes_[i].in_flight.empty()) count_busy(rank, now_);
            launch(rank, runtimes_[i].in_flight.filled());
        }
    }
}

std::int64_t Run::Impl::replica_of(const RankGroup& group) const {
    const std::size_t pool = replicas_[static_cast<std::size_t>(group.first)].pool;
    return (group.first - static_cast<std::int64_t>(pool_begin_[pool])) / group.size;
}

/// What late and silent servers of an AFD replica add to the step that begins now.
void Run::Impl::add_faults(const RankGroup& group) {
    const PoolSpec& pool = compiled_->scenario.pools[replicas_[static_cast<std::size_t>(group.first)].pool];
    if (!pool.afd || pool.afd->faults.empty()) return;
    const afd::FaultedStep step = afd::step_under_faults(*pool.afd, replica_of(group), now_, group_times_.front());
    group_times_.front() = step.duration;
    totals_.failed_steps += step.failed_tries;
}

/// Steps are planned one by one as long as faults depend on when each begins.
bool Run::Impl::faults_ahead(const RankGroup& group) const {
    const PoolSpec& pool = compiled_->scenario.pools[replicas_[static_cast<std::size_t>(group.first)].pool];
    return pool.afd && afd::faults_ahead(*pool.afd, replica_of(group), now_);
}

bool Run::Impl::prepare_group(const RankGroup& group) {
    bool any = false;
    group_shapes_.clear();
    for (std::int32_t rank = group.first; rank < group.first + group.size; ++rank) {
        BatchInFlight& batch = runtimes_[static_cast<std::size_t>(rank)].in_flight.next();
        const bool formed = prepare(rank, batch);
        if (!formed) batch.shape = StepShape{};
        group_shapes_.push_back(batch.shape);
        any |= formed;
    }
    return any;
}

void Run::Impl::plan_rank(std::int32_t index, BatchInFlight& batch) {
    ReplicaState& replica = replicas_[static_cast<std::size_t>(index)];
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(index)];
    batch.ends.start(occupy_stages(runtime, group_times_));
    if (batch.sequences() == 0) {
        runtime.last_sequences = 0;
        // Who waits here all the same waits for what the policy said.
        if (replica.waiting.empty()) runtime.clocks.turn(now_, BlameCause::other_ranks);
        return;
    }
    if (keeps_records_ && group_times_.size() == 1) {
        stage_times_.resize(1);
        compiled_->costs[replica.pool]->step(batch.shape, stage_times_);
        batch.for_slower = group_times_[0] - std::min(group_times_[0], stage_times_[0]);
        take_interference_apart(index, batch);
    }
    announce_handoffs(replica, batch);
}

void Run::Impl::extend_group_stretch(const RankGroup& group) {
    const std::int64_t repeats = group_repeats(group);
    if (repeats <= 0) return;
    stretch_times_.resize(static_cast<std::size_t>(repeats));
    const std::size_t pool = replicas_[static_cast<std::size_t>(group.first)].pool;
    compiled_->group_costs[pool]->next_decode_steps(group_shapes_, stretch_times_);
    for (std::int32_t rank = group.first; rank < group.first + group.size; ++rank) {
        append_stretch(rank, runtimes_[static_cast<std::size_t>(rank)].in_flight.filled());
    }
}

std::int64_t Run::Impl::group_repeats(const RankGroup& group) {
    std::int64_t repeats = options_.stretch_steps_max;
    for (std::int32_t rank = group.first; rank < group.first + group.size && repeats > 0; ++rank) {
        const BatchInFlight& batch = runtimes_[static_cast<std::size_t>(rank)].in_flight.filled();
        if (batch.sequences() > 0) {
            repeats = repeats_of(rank, batch, repeats);
            continue;
        }
        // A rank that could run none of its requests may be able to after the step.
        const ReplicaState& replica = replicas_[static_cast<std::size_t>(rank)];
        if (!replica.waiting.empty() || !replica.running.empty()) return 0;
    }
    return repeats;
}

Duration Run::Impl::for_slower_ranks(std::int32_t index, const BatchInFlight& batch) {
    Duration total = batch.for_slower;
    if (batch.ends.size() == 1 || batch.sequences() == 0) return total;
    const std::size_t pool = replicas_[static_cast<std::size_t>(index)].pool;
    const CostModel& cost = batch.launched_under ? *batch.launched_under : *compiled_->costs[pool];
    stretch_times_.resize(batch.ends.size() - 1);
    cost.next_decode_steps(batch.shape, stretch_times_);
    for (std::size_t i = 0; i < stretch_times_.size(); ++i) {
        const Duration step = batch.ends[i + 1] - batch.ends[i];
        total += step - std::min(step, stretch_times_[i]);
    }
    return total;
}

}  // namespace replayd
