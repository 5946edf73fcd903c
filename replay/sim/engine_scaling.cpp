// Replicas come and go: how many are needed, and what their coming and going means for the run. scaler.hpp says which
// ones.
//
// A look happens when something else is still to happen at or after its time, never in a run that is over or waits for
// arrivals: so the result does not depend on how far the run was advanced between arrivals. What was due meanwhile is
// made up for, in order, before the next event.

#include <algorithm>
#include <cmath>

#include "replay/base/assert.hpp"
#include "replay/sim/engine.hpp"

namespace replayd {
namespace {

/// The fewest replicas, 1 to `most`, that `enough` holds for; `most` where none does.
template <class Enough>
std::int64_t fewest(std::int64_t most, const Enough& enough) {
    for (std::int64_t replicas = 1; replicas < most; ++replicas) {
        if (enough(static_cast<double>(replicas))) return replicas;
    }
    return most;
}

std::int64_t rounded_up(double replicas) { return static_cast<std::int64_t>(std::ceil(replicas)); }

}  // namespace

void Run::Impl::scale() {
    phase_changes_.clear();
    scaler_.end_starts(now_, phase_changes_);
    if (scaler_.looks(now_)) {
        std::vector<std::int64_t> wanted;
        for (std::size_t pool = 0; pool < scaling_.size(); ++pool) wanted.push_back(replicas_wanted(pool));
        const auto load_of = [&](std::size_t pool, std::int64_t replica) {
            std::int64_t outstanding = 0;
            for (const ReplicaState& rank : ranks_of(pool, replica)) outstanding += rank.outstanding_requests;
            return outstanding;
        };
        scaler_.decide(now_, wanted, load_of, phase_changes_);
        for (PoolLoad& load : scaling_) load = PoolLoad{};
    }
    apply_phases();
}

void Run::Impl::release_drained() {
    phase_changes_.clear();
    for (std::size_t pool = 0; pool < scaling_.size(); ++pool) {
        for (std::int64_t replica = 0; replica < compiled_->scenario.pools[pool].replicas; ++replica) {
            if (scaler_.phase(pool, replica) != ReplicaPhase::draining) continue;
            const auto ranks = ranks_of(pool, replica);
            const auto empty = [&](const ReplicaState& rank) {
                return rank.outstanding_requests == 0 && rank.kv.used() == 0 && rank.incoming == 0 &&
                       runtimes_[static_cast<std::size_t>(rank.index)].in_flight.empty();
            };
            if (std::all_of(ranks.begin(), ranks.end(), empty)) scaler_.drained(now_, pool, replica, phase_changes_);
        }
    }
    apply_phases();
}

void Run::Impl::apply_phases() {
    if (phase_changes_.empty()) return;
    for (const PhaseChange& change : phase_changes_) {
        log(EventKind::scaled, static_cast<std::int64_t>(change.pool),
            change.replica * 4 + static_cast<std::int64_t>(change.phase));
        if (change.phase == ReplicaPhase::off) forget_caches(change.pool, change.replica);
    }
    count_blocks();
    for (std::size_t pool = 0; pool < scaling_.size(); ++pool) {
        const bool starting = scaler_.starting(pool) > 0;
        if (starting == pool_starting_[pool]) continue;
        pool_starting_[pool] = starting;
        for (const ReplicaState& rank : pool_replicas(pool)) {
            runtimes_[static_cast<std::size_t>(rank.index)].clocks.cover(now_, starting);
        }
        if (pool > 0) destination_clocks_.cover(now_, starting);
    }
}

void Run::Impl::forget_caches(std::size_t pool, std::int64_t replica) {
    const KvSpec& kv = compiled_->scenario.pools[pool].kv;
    if (!kv.prefix_caching) return;
    const MemoryPlan& plan = compiled_->plans[pool];
    for (ReplicaState& rank : ranks_of(pool, replica)) {
        totals_.cache += rank.kv.cache()->counters();
        rank.kv = BlockPool(plan.blocks, kv.block, kv.eviction, plan.host_blocks);
    }
}

void Run::Impl::count_blocks() {
    totals_.kv_blocks_total = totals_.host_blocks_total = 0;
    for (const ReplicaState& replica : replicas_) {
        if (!exists(replica)) continue;
        totals_.kv_blocks_total += replica.kv.capacity();
        if (replica.kv.cache() != nullptr) totals_.host_blocks_total += replica.kv.cache()->host().capacity();
    }
}

std::int64_t Run::Impl::replica_number(const ReplicaState& replica) const {
    const auto rank = static_cast<std::size_t>(replica.index) - pool_begin_[replica.pool];
    return static_cast<std::int64_t>(rank) / compiled_->scenario.pools[replica.pool].parallel.data;
}

bool Run::Impl::exists(const ReplicaState& replica) const {
    if (!scaler_.on()) return true;
    const ReplicaPhase phase = scaler_.phase(replica.pool, replica_number(replica));
    return phase == ReplicaPhase::active || phase == ReplicaPhase::draining;
}

bool Run::Impl::takes_requests(const ReplicaState& replica) const {
    return !scaler_.on() || scaler_.phase(replica.pool, replica_number(replica)) == ReplicaPhase::active;
}

std::span<ReplicaState> Run::Impl::ranks_of(std::size_t pool, std::int64_t replica) {
    const std::int64_t ranks = compiled_->scenario.pools[pool].parallel.data;
    return pool_replicas(pool).subspan(static_cast<std::size_t>(replica * ranks), static_cast<std::size_t>(ranks));
}

void Run::Impl::note_arrival(const Arrival& arrival) {
    scaler_.begin(now_);
    if (!scaler_.on()) return;
    scaling_[0].prompts += 1;
    scaling_[0].prompt_tokens += arrival.prompt.value;
}

Run::Impl::PoolUse Run::Impl::use_of(std::size_t pool) {
    PoolUse use;
    if (pool > 0) use.sequences = use.waiting = static_cast<std::int64_t>(handoffs_.size());
    for (const ReplicaState& replica : pool_replicas(pool)) {
        const auto index = static_cast<std::size_t>(replica.index);
        if (!runtimes_[index].in_flight.empty()) count_busy(replica.index, now_);
        if (!takes_requests(replica)) continue;
        sync_blocks(replica.index, now_);
        use.blocks += replica.kv.used();
        use.sequences += sequences_of(replica);
        use.waiting += replica.queued();
        for (const RequestSlot slot : replica.waiting) use.waiting_tokens += requests_[slot].pending();
        for (const RequestSlot slot : replica.unseen) use.waiting_tokens += requests_[slot].pending();
    }
    return use;
}

std::int64_t Run::Impl::replicas_wanted(std::size_t pool) {
    const PoolSpec& spec = compiled_->scenario.pools[pool];
    if (!spec.autoscale) return 0;
    const PoolUse use = use_of(pool);
    const auto ranks = static_cast<double>(spec.parallel.data);
    // Replicas' worth of each: of time in steps, of KV blocks, of sequences.
    const double interval = static_cast<double>(compiled_->scenario.autoscale.interval.value);
    const double busy = static_cast<double>(scaling_[pool].busy.value) / (interval * ranks);
    const double blocks =
        static_cast<double>(use.blocks) / (static_cast<double>(compiled_->plans[pool].blocks) * ranks);
    const double sequences =
        static_cast<double>(use.sequences) / (static_cast<double>(spec.batching.max_sequences) * ranks);
    const double in_use = spec.role == PoolRole::prefill ? busy : std::max(blocks, sequences);
    const double target = spec.autoscale->target;
    switch (spec.autoscale->rule) {
        case AutoscaleRule::utilisation: return rounded_up(in_use / target);
        case AutoscaleRule::queue:
            return std::max(rounded_up(static_cast<double>(use.waiting) / target), rounded_up(in_use));
        case AutoscaleRule::objective: break;
    }
    std::int64_t wanted = rounded_up(blocks);
    if (spec.role != PoolRole::decode) wanted = std::max(wanted, replicas_for_ttft(pool, use));
    if (spec.role != PoolRole::prefill) wanted = std::max(wanted, replicas_for_tpot(pool, use));
    return wanted;
}

/// Predicted: the prompts of the last interval come on; each is served in its own time over (1 − load), as in a queue
/// with one server, after the share of what waits.
std::int64_t Run::Impl::replicas_for_ttft(std::size_t pool, const PoolUse& use) {
    const PoolSpec& spec = compiled_->scenario.pools[pool];
    const PoolLoad& load = scaling_[pool];
    if (load.prompts == 0 && use.waiting_tokens == 0) return 1;
    const std::int64_t full = spec.batching.max_batched_tokens.value;
    const double token = time_of(pool, chunk_shape(0, full, true)) / static_cast<double>(full);
    const auto ranks = static_cast<double>(spec.parallel.data);
    const double limit = spec.autoscale->target * static_cast<double>(compiled_->scenario.slo.ttft.value);
    const double offered = static_cast<double>(load.prompt_tokens) * token /
                           static_cast<double>(compiled_->scenario.autoscale.interval.value);
    const double prompt =
        load.prompts == 0 ? 0 : static_cast<double>(load.prompt_tokens) * token / static_cast<double>(load.prompts);
    return fewest(spec.replicas, [&](double replicas) {
        const double servers = replicas * ranks;
        const double idle = 1 - offered / servers;
        return idle > 0 && prompt / idle + static_cast<double>(use.waiting_tokens) * token / servers <= limit;
    });
}

/// Predicted: a step of what is there, spread evenly over the replicas.
std::int64_t Run::Impl::replicas_for_tpot(std::size_t pool, const PoolUse& use) {
    const PoolSpec& spec = compiled_->scenario.pools[pool];
    const double limit = spec.autoscale->target * static_cast<double>(compiled_->scenario.slo.tpot.value);
    return fewest(spec.replicas, [&](double replicas) {
        const auto ranks = static_cast<std::int64_t>(replicas) * spec.parallel.data;
        StepShape step;
        step.decode_sequences = step.sampled_sequences = std::max<std::int64_t>(1, ceil_div(use.sequences, ranks));
        step.decode_context = std::max(step.decode_sequences, use.blocks * spec.kv.block.value / ranks);
        step.draft_tokens = step.decode_sequences * spec.drafts_max();
        step.draft_pairs = step.decode_context * spec.drafts_max();
        step.sampled_sequences += step.draft_tokens;
        const double made = spec.speculation ? spec.speculation->made_per_step() : 1;
        return time_of(pool, step) <= limit * made;
    });
}

double Run::Impl::time_of(std::size_t pool, const StepShape& shape) {
    const CostModel& cost = *compiled_->costs[pool];
    stage_times_.resize(static_cast<std::size_t>(cost.stages()));
    cost.step(shape, stage_times_);
    double sum = 0;
    for (const Duration stage : stage_times_) sum += static_cast<double>(stage.value);
    return sum;
}

}  // namespace replayd
