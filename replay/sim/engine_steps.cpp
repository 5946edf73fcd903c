// Batches of a replica: forming, launching, decode stretches. What their end does to requests is in engine_ends.cpp.

#include <algorithm>

#include "replay/base/assert.hpp"
#include "replay/sched/decode_stretch.hpp"
#include "replay/sim/engine.hpp"
#include "replay/sim/speculation.hpp"

namespace replayd {
namespace {

StepShape shape_of(const BatchDecision& decision, const RequestTable& requests) {
    StepShape shape;
    for (const ScheduledTokens& member : decision.members) {
        const RequestState& request = requests[member.slot];
        if (!member.prefill) {
            add_verified(shape, request.computed, member.tokens - 1);
            continue;
        }
        const bool samples = request.computed + member.tokens == request.target;
        shape += chunk_shape(request.computed, member.tokens, samples);
    }
    return shape;
}

}  // namespace

void Run::Impl::schedule(std::int32_t index) {
    ReplicaState& replica = replicas_[static_cast<std::size_t>(index)];
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(index)];
    while (!runtime.in_flight.full()) {
        BatchInFlight& batch = runtime.in_flight.next();
        if (!prepare(index, batch)) return;
        plan_stages(index, batch);
        if (keeps_records_) take_interference_apart(index, batch);
        announce_handoffs(replica, batch);
        if (runtime.stage_free.size() == 1) extend_stretch(index, batch);
        launch(index, batch);
    }
}

bool Run::Impl::prepare(std::int32_t index, BatchInFlight& batch) {
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(index)];
    ReplicaState& replica = replicas_[static_cast<std::size_t>(index)];
    const bool formed = runtime.decides_ahead ? form_ahead(replica, batch) : form(replica, batch);
    runtime.clocks.turn(now_, batch.decision.stopped_by);
    if (!formed) return false;
    batch.scheduled = now_;
    batch.shape = shape_of(batch.decision, requests_);
    batch.shape.decode_sequences += batch.set_members;
    batch.shape.sampled_sequences += batch.set_members;
    if (batch.set_members > 0) batch.shape.decode_context += runtime.decodes.context();
    for (const ScheduledTokens& member : batch.decision.members) join_batch(requests_[member.slot]);
    if (const auto& speculation = compiled_->scenario.pools[replica.pool].speculation) {
        batch.verifies = true;
        for (const ScheduledTokens& member : batch.decision.members) {
            const RequestState& request = requests_[member.slot];
            if (!member.prefill) {
                batch.accepted += accepted_drafts(*speculation, request.sequence, request.generated, member.tokens - 1);
            }
        }
    }
    runtime.last_sequences = batch.sequences();
    if (batch.shape.prefill_sequences > 0) note_workspace(index, batch.decision);
    return true;
}

void Run::Impl::launch(std::int32_t index, BatchInFlight& batch) {
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(index)];
    // The timer of a replica is for its oldest batch; the next one's is set when that ends.
    if (runtime.in_flight.empty()) {
        runtime.busy_since = now_;
        batch_ends_.set(index, batch.ends.back());
    }
    runtime.in_flight.push();
    synced_until_[static_cast<std::size_t>(index)] = k_not_synced;
    if (batches_wanted_) emit_batch(replicas_[static_cast<std::size_t>(index)], batch);
}

bool Run::Impl::form(ReplicaState& replica, BatchInFlight& batch) {
    if (replica.running.empty() && replica.waiting.empty()) return false;
    if (form_around_decodes(replica, batch)) return true;
    BatchDecision& decision = batch.decision;
    do {
        decision.clear();
        policies_[replica.pool]->form(replica, requests_, decision);
        account_preemptions(replica, decision);
        start_loads(replica, decision);
        // An eviction that left nothing to run is followed by another attempt, as in a scheduler's loop.
    } while (decision.members.empty() && !decision.preempted.empty());
    return !decision.members.empty();
}

void Run::Impl::join_batch(RequestState& request) {
    request.in_flight = true;
    if (!request.ever_scheduled) {
        request.ever_scheduled = true;
        request.scheduled = now_;
        if (!request.loaded_first) --runtimes_[static_cast<std::size_t>(request.replica)].never_ran;
        if (request.cached > 0) windows_.count_cached(Tokens(request.cached));
        log(EventKind::scheduled, request.sequence, request.cached);
    }
    if (!request.decoding()) {
        request.account_wait(now_, runtime_of(request).clocks);
        return;
    }
    if (request.decode_replica < 0) {
        request.decode_replica = request.replica;
        request.decode_started = now_;
    }
    if (!request.in_decode_segment) {
        request.account_wait(now_, runtime_of(request).clocks);
        request.begin_decode_segment(runtime_of(request).additions);
    }
}

void Run::Impl::plan_stages(std::int32_t index, BatchInFlight& batch) {
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(index)];
    stage_times_.resize(runtime.stage_free.size());
    compiled_->costs[replicas_[static_cast<std::size_t>(index)].pool]->step(batch.shape, stage_times_);
    batch.ends.start(occupy_stages(runtime, stage_times_));
}

VirtualTime Run::Impl::occupy_stages(ReplicaRuntime& runtime, std::span<const Duration> times) const {
    VirtualTime ready = now_;
    for (std::size_t stage = 0; stage < times.size(); ++stage) {
        REPLAYD_ASSERT(times[stage].value > 0);
        ready = std::max(ready, runtime.stage_free[stage]) + times[stage];
        runtime.stage_free[stage] = ready;
    }
    return ready;
}

void Run::Impl::extend_stretch(std::int32_t index, BatchInFlight& batch) {
    const std::int64_t repeats = repeats_of(index, batch, options_.stretch_steps_max);
    if (repeats <= 0) return;
    stretch_times_.resize(static_cast<std::size_t>(repeats));
    compiled_->costs[replicas_[static_cast<std::size_t>(index)].pool]->next_decode_steps(batch.shape, stretch_times_);
    append_stretch(index, batch);
}

std::int64_t Run::Impl::repeats_of(std::int32_t index, const BatchInFlight& batch, std::int64_t most) const {
    const ReplicaState& replica = replicas_[static_cast<std::size_t>(index)];
    // Prompts end with the step; with decodes only, the batch may repeat. Not where each step makes as many tokens as
    // it may.
    if (most == 0 || batch.verifies || batch.shape.prefill_tokens > 0 || next_differs(replica)) return 0;
    const auto blocks =
        policies_[replica.pool]->stretch_blocks(replica, batch.sequences(), batch.decision);
    if (!blocks) return 0;
    if (batch.set_members > 0) {
        if (!batch.decision.members.empty()) return 0;  // who joins the batch joins the set with the next one
        const DecodeSet& decodes = runtimes_[static_cast<std::size_t>(index)].decodes;
        return decodes.steps_within(std::min(most, decodes.steps_to_finish() - 1), *blocks);
    }
    return steps_within_blocks(replica, requests_, batch.decision,
                               steps_until_a_finish(requests_, batch.decision, most), *blocks);
}

void Run::Impl::append_stretch(std::int32_t index, BatchInFlight& batch) {
    batch.ends.extend(stretch_times_);
    runtimes_[static_cast<std::size_t>(index)].stage_free[0] = batch.ends.back();
}

void Run::Impl::interrupt(std::int32_t index, std::size_t further_steps) {
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(index)];
    if (runtime.in_flight.empty()) return;
    const BatchInFlight& batch = runtime.in_flight.front();
    const std::size_t steps = batch.step_at(now_) + 1 + further_steps;
    if (steps >= batch.ends.size()) return;
    if (runtime.group == k_no_group) {
        cut(index, steps);
        return;
    }
    const RankGroup& group = groups_[static_cast<std::size_t>(runtime.group)];
    for (std::int32_t rank = group.first; rank < group.first + group.size; ++rank) cut(rank, steps);
}

void Run::Impl::cut(std::int32_t index, std::size_t steps) {
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(index)];
    BatchInFlight& batch = runtime.in_flight.front();
    batch.ends.cut(steps);
    runtime.stage_free[0] = batch.ends.back();
    batch_ends_.set(index, batch.ends.back());
}

void Run::Impl::sync_blocks(std::int32_t index, VirtualTime time) {
    VirtualTime& synced = synced_until_[static_cast<std::size_t>(index)];
    if (time > synced) synced = take_stretch_blocks(index, time);
}

/// Answers until when the blocks suffice.
VirtualTime Run::Impl::take_stretch_blocks(std::int32_t index, VirtualTime time) {
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(index)];
    if (runtime.in_flight.empty()) return ReplicaTimers::k_never;
    const BatchInFlight& batch = runtime.in_flight.front();
    if (batch.ends.size() == 1) return ReplicaTimers::k_never;
    const auto end_of = [&](std::int64_t step) {
        const auto place = static_cast<std::size_t>(step);
        return place < batch.ends.size() ? batch.ends[place - 1] : ReplicaTimers::k_never;
    };
    ReplicaState& replica = replicas_[static_cast<std::size_t>(index)];
    const auto steps = static_cast<std::int64_t>(batch.step_at(time)) + 1;
    if (batch.set_members > 0) {
        const std::int64_t more = steps - runtime.decodes.reserved_steps();
        if (more > 0) replica.kv.allocate(runtime.decodes.reserve(more));
        return end_of(runtime.decodes.reserved_steps());
    }
    for (const ScheduledTokens& member : batch.decision.members) {
        RequestState& request = requests_[member.slot];
        const std::int64_t missing = replica.missing_blocks(request, request.computed + steps);
        if (missing == 0) continue;
        replica.kv.allocate(missing);
        request.blocks += missing;
    }
    return end_of(steps);
}

void Run::Impl::account_preemptions(ReplicaState& replica, const BatchDecision& decision) {
    for (const RequestSlot slot : decision.preempted) {
        RequestState& request = requests_[slot];
        if (request.in_decode_segment) {
            close_decode_segment(solo_[replica.pool], request, request.high_water);
        } else {
            request.account_wait(now_, runtime_of(request).clocks);
        }
        request.begin_wait(now_, LedgerPart::preemption_stall, runtime_of(request).clocks);
        log(EventKind::preempted, request.sequence, replica.index);
        windows_.count_preemption();
        ++totals_.preemptions;
        blocks_freed_ = true;
    }
}

void Run::Impl::take_interference_apart(std::int32_t index, BatchInFlight& batch) {
    if (batch.shape.prefill_tokens == 0 || stage_times_.size() > 1) return;
    const CostModel& cost = *compiled_->costs[replicas_[static_cast<std::size_t>(index)].pool];
    const bool one_chunk = batch.shape.prefill_sequences == 1 && cost.alone_is_step();
    if (batch.shape.decode_sequences == 0) {
        if (one_chunk) batch.chunk_alone = stage_times_[0];
        return;
    }
    const Duration both = stage_times_[0];
    StepShape prefill = batch.shape;
    prefill.decode_sequences = prefill.decode_context = prefill.draft_tokens = prefill.draft_pairs = 0;
    prefill.sampled_sequences -= batch.shape.decode_sequences + batch.shape.draft_tokens;
    cost.step(prefill, stage_times_);
    if (one_chunk) batch.chunk_alone = stage_times_[0];
    batch.for_decodes = both - std::min(both, stage_times_[0]);
    StepShape decodes;
    decodes.decode_sequences = batch.shape.decode_sequences;
    decodes.sampled_sequences = batch.shape.decode_sequences + batch.shape.draft_tokens;
    decodes.decode_context = batch.shape.decode_context;
    decodes.draft_tokens = batch.shape.draft_tokens;
    decodes.draft_pairs = batch.shape.draft_pairs;
    cost.step(decodes, stage_times_);
    batch.for_prefill = both - std::min(both, stage_times_[0]);
}

void Run::Impl::emit_batch(const ReplicaState& replica, const BatchInFlight& batch) {
    if (batch.sequences() == 0) return;  // of a rank that goes along with its group
    BatchRecord record;
    record.batch = next_batch_++;
    record.replica = replica.index;
    record.scheduled = batch.scheduled;
    record.finished = batch.ends.back();
    record.kv_blocks_used = replica.kv.used();
    record.waiting = replica.queued();
    for (const ScheduledTokens& member : batch.decision.members) {
        const RequestState& request = requests_[member.slot];
        BatchMember made{request.sequence, Tokens(member.tokens), member.prefill};
        if (!member.prefill || request.computed + member.tokens == request.target) {
            made.output_token = request.generated;
        }
        record.members.push_back(made);
    }
    sink_->on_batch(std::move(record));
}

}  // namespace replayd
