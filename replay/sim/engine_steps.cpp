// Batches of a replica: forming, launching, decode stretches, and what their end does to requests.

#include <algorithm>
#include <optional>

#include "replay/base/assert.hpp"
#include "replay/sched/decode_stretch.hpp"
#include "replay/sim/engine.hpp"

namespace replayd {
namespace {

StepShape shape_of(const BatchDecision& decision, const RequestTable& requests) {
    StepShape shape;
    for (const ScheduledTokens& member : decision.members) {
        const RequestState& request = requests[member.slot];
        if (!member.prefill) {
            ++shape.decode_sequences;
            ++shape.sampled_sequences;
            shape.decode_context += request.computed + 1;
            continue;
        }
        const bool samples = request.computed + member.tokens == request.target;
        const StepShape chunk = chunk_shape(request.computed, member.tokens, samples);
        shape.prefill_tokens += chunk.prefill_tokens;
        shape.prefill_sequences += chunk.prefill_sequences;
        shape.prefill_pairs += chunk.prefill_pairs;
        shape.prefill_context += chunk.prefill_context;
        shape.sampled_sequences += chunk.sampled_sequences;
        shape.prefill_squares += chunk.prefill_squares;
        shape.prefill_past_tiles += chunk.prefill_past_tiles;
    }
    return shape;
}

}  // namespace

void Run::Impl::schedule(std::int32_t index) {
    ReplicaState& replica = replicas_[static_cast<std::size_t>(index)];
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(index)];
    while (!runtime.in_flight.full()) {
        BatchInFlight& batch = runtime.in_flight.next();
        const bool formed = form(replica, batch);
        runtime.clocks.turn(now_, batch.decision.stopped_by);
        if (!formed) return;
        if (runtime.in_flight.empty()) runtime.busy_since = now_;
        batch.scheduled = now_;
        batch.shape = shape_of(batch.decision, requests_);
        batch.shape.decode_sequences += batch.set_members;
        batch.shape.sampled_sequences += batch.set_members;
        if (batch.set_members > 0) batch.shape.decode_context += runtime.decodes.context();
        for (const ScheduledTokens& member : batch.decision.members) join_batch(requests_[member.slot]);
        runtime.last_sequences = batch.sequences();
        if (batch.shape.prefill_sequences > 0) note_workspace(index, batch.decision);
        plan_stages(index, batch);
        take_interference_apart(index, batch);
        announce_handoffs(replica, batch);
        if (runtime.stage_free.size() == 1) extend_stretch(index, batch);
        // The timer of a replica is for its oldest batch; the next one's is set when that ends.
        if (runtime.in_flight.empty()) batch_ends_.set(index, batch.ends.back());
        runtime.in_flight.push();
        if (batches_wanted_) emit_batch(replica, batch);
    }
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
        log(LogEntry::scheduled, request.sequence, request.cached);
    }
    if (!request.decoding()) {
        request.account_wait(now_, runtime_of(request).clocks);
        return;
    }
    if (request.generated == 1 && request.decode_replica < 0) {
        request.decode_replica = request.replica;
        request.decode_started = now_;
    }
    if (!request.in_decode_segment) {
        request.account_wait(now_, runtime_of(request).clocks);
        request.begin_decode_segment(runtime_of(request).prefill_ns);
    }
}

void Run::Impl::plan_stages(std::int32_t index, BatchInFlight& batch) {
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(index)];
    stage_times_.resize(runtime.stage_free.size());
    compiled_->costs[replicas_[static_cast<std::size_t>(index)].pool]->step(batch.shape, stage_times_);
    VirtualTime ready = now_;
    for (std::size_t stage = 0; stage < stage_times_.size(); ++stage) {
        REPLAYD_ASSERT(stage_times_[stage].value > 0);
        ready = std::max(ready, runtime.stage_free[stage]) + stage_times_[stage];
        runtime.stage_free[stage] = ready;
    }
    batch.ends.assign(1, ready);
}

void Run::Impl::extend_stretch(std::int32_t index, BatchInFlight& batch) {
    const ReplicaState& replica = replicas_[static_cast<std::size_t>(index)];
    // Prompts end with the step; with decodes only, the batch may repeat.
    if (options_.stretch_steps_max == 0 || batch.shape.prefill_tokens > 0) return;
    const auto blocks =
        policies_[replica.pool]->stretch_blocks(replica, batch.sequences(), batch.decision);
    if (!blocks) return;
    std::int64_t repeats = options_.stretch_steps_max;
    if (batch.set_members > 0) {
        if (!batch.decision.members.empty()) return;  // who joins the batch joins the set with the next one
        const DecodeSet& decodes = runtimes_[static_cast<std::size_t>(index)].decodes;
        repeats = decodes.steps_within(std::min(repeats, decodes.steps_to_finish() - 1), *blocks);
    } else {
        repeats = steps_until_a_finish(requests_, batch.decision, repeats);
        repeats = steps_within_blocks(replica, requests_, batch.decision, repeats, *blocks);
    }
    if (repeats <= 0) return;
    stretch_times_.resize(static_cast<std::size_t>(repeats));
    compiled_->costs[replica.pool]->next_decode_steps(batch.shape, stretch_times_);
    VirtualTime end = batch.ends.back();
    batch.ends.reserve(stretch_times_.size() + 1);
    for (const Duration step : stretch_times_) {
        end = end + step;
        batch.ends.push_back(end);
    }
    runtimes_[static_cast<std::size_t>(index)].stage_free[0] = end;
}

void Run::Impl::interrupt(std::int32_t index) {
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(index)];
    if (runtime.in_flight.empty()) return;
    BatchInFlight& batch = runtime.in_flight.front();
    const std::size_t current = batch.step_at(now_);
    if (current + 1 >= batch.ends.size()) return;
    batch.ends.resize(current + 1);
    runtime.stage_free[0] = batch.ends.back();
    batch_ends_.set(index, batch.ends.back());
}

void Run::Impl::sync_blocks(std::int32_t index, VirtualTime time) {
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(index)];
    if (runtime.in_flight.empty()) return;
    const BatchInFlight& batch = runtime.in_flight.front();
    if (batch.ends.size() == 1) return;
    ReplicaState& replica = replicas_[static_cast<std::size_t>(index)];
    const auto steps = static_cast<std::int64_t>(batch.step_at(time)) + 1;
    if (batch.set_members > 0) {
        const std::int64_t more = steps - runtime.decodes.reserved_steps();
        if (more > 0) replica.kv.allocate(runtime.decodes.reserve(more));
        return;
    }
    for (const ScheduledTokens& member : batch.decision.members) {
        RequestState& request = requests_[member.slot];
        const std::int64_t missing = replica.missing_blocks(request, request.computed + steps);
        if (missing == 0) continue;
        replica.kv.allocate(missing);
        request.blocks += missing;
    }
}

void Run::Impl::end_batch(std::int32_t index) {
    ReplicaState& replica = replicas_[static_cast<std::size_t>(index)];
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(index)];
    sync_blocks(index, now_);
    BatchInFlight& batch = runtime.in_flight.front();
    count_steps(index, batch, VirtualTime(now_.ns + 1));
    runtime.prefill_ns += batch.for_prefill.value;
    if (batch.set_members > 0) {
        end_decode_set(replica, static_cast<std::int64_t>(batch.ends.size()));
        const std::size_t listed = static_cast<std::size_t>(runtime.decodes.size());
        end_members(replica, batch);
        drop_left(replica, listed);
    } else {
        end_members(replica, batch);
        policies_[replica.pool]->ended(replica, requests_, batch.decision);
        drop_left(replica, 0);
    }
    if (replica.running.empty()) {
        replica.kv.release(replica.deferred_blocks);
        replica.deferred_blocks = 0;
    }
    for (const RequestSlot slot : ended_) requests_.remove(slot);
    ended_.clear();
    runtime.in_flight.pop();
    if (runtime.in_flight.empty()) {
        count_busy(index, now_);
        batch_ends_.set(index, ReplicaTimers::k_never);
    } else {
        batch_ends_.set(index, runtime.in_flight.front().ends.back());
    }
    mark_dirty(index);
}

void Run::Impl::end_members(ReplicaState& replica, const BatchInFlight& batch) {
    const auto steps = static_cast<std::int64_t>(batch.ends.size());
    std::optional<SoloCost> earlier;
    if (batch.launched_under) earlier.emplace(batch.launched_under);
    SoloCost& solo = earlier ? *earlier : solo_[replica.pool];
    for (const ScheduledTokens& member : batch.decision.members) {
        RequestState& request = requests_[member.slot];
        request.in_flight = false;
        if (member.prefill) {
            end_chunk(replica, member, batch, solo);
            continue;
        }
        if (earlier) {
            close_decode_segment(solo, request, request.computed + steps);
            request.begin_decode_segment(runtime_of(request).prefill_ns);
            request.segment_context += steps;
        }
        end_decode(replica, member.slot, steps);
    }
}

void Run::Impl::drop_left(ReplicaState& replica, std::size_t from) {
    if (left_running_ == 0) return;
    left_running_ = 0;
    const auto begin = replica.running.begin() + static_cast<std::ptrdiff_t>(from);
    const auto left = [&](RequestSlot slot) { return requests_[slot].left_running; };
    replica.running.erase(std::remove_if(begin, replica.running.end(), left), replica.running.end());
}

void Run::Impl::end_chunk(ReplicaState& replica, const ScheduledTokens& member, const BatchInFlight& batch,
                          const SoloCost& solo) {
    const RequestSlot slot = member.slot;
    const std::int64_t tokens = member.tokens;
    RequestState& request = requests_[slot];
    const bool samples = request.computed + tokens == request.target;
    const Duration alone = solo.step(chunk_shape(request.computed, tokens, samples));
    const Duration elapsed = now_ - request.mark;
    REPLAYD_ASSERT(alone <= elapsed);
    const bool again = request.computed < request.high_water;
    request.ledger[again ? LedgerPart::recompute : LedgerPart::prefill_compute] += alone;
    request.ledger[LedgerPart::batch_interference] += elapsed - alone;
    if (runtime_of(request).stage_free.size() > 1) {
        request.blame[BlameCause::pipeline] += elapsed - alone;
    } else {
        // At most all of it: tables that price by mean lengths are not monotone.
        const Duration decodes = std::min(batch.for_decodes, elapsed - alone);
        request.blame[BlameCause::other_decodes] += decodes;
        request.blame[BlameCause::other_prefill] += elapsed - alone - decodes;
    }
    request.mark = now_;
    request.begin_wait(now_, LedgerPart::chunk_wait, runtime_of(request).clocks);
    request.computed += tokens;
    if (!samples) return;
    if (++request.generated == 1) {
        request.first_token = now_;
        log(LogEntry::first_token, request.sequence, request.replica);
        windows_.count_first_token(now_ - request.arrived);
    }
    if (request.generated == request.output) {
        complete(replica, slot);
    } else if (compiled_->scenario.pools[replica.pool].role == PoolRole::prefill) {
        hand_off(replica, slot);
    } else {
        request.begin_decode_segment(runtime_of(request).prefill_ns);
    }
}

void Run::Impl::end_decode(ReplicaState& replica, RequestSlot slot, std::int64_t steps) {
    RequestState& request = requests_[slot];
    request.computed += steps;
    request.generated += steps;
    if (request.generated == request.output) complete(replica, slot);
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
        log(LogEntry::preempted, request.sequence, replica.index);
        windows_.count_preemption();
        ++totals_.preemptions;
        blocks_freed_ = true;
    }
}

void Run::Impl::close_decode_segment(SoloCost& solo, RequestState& request, std::int64_t computed) {
    const Duration alone = solo.decode(request.segment_context, computed - request.segment_context);
    const Duration elapsed = now_ - request.mark;
    REPLAYD_ASSERT(alone <= elapsed);
    request.ledger[LedgerPart::decode_compute] += alone;
    request.ledger[LedgerPart::batch_interference] += elapsed - alone;
    const ReplicaRuntime& runtime = runtime_of(request);
    if (runtime.stage_free.size() > 1) {
        request.blame[BlameCause::pipeline] += elapsed - alone;
    } else {
        const Duration prefill = std::min(Duration(runtime.prefill_ns - request.segment_prefill_ns), elapsed - alone);
        request.blame[BlameCause::other_prefill] += prefill;
        request.blame[BlameCause::other_decodes] += elapsed - alone - prefill;
    }
    request.mark = now_;
    request.in_decode_segment = false;
}

void Run::Impl::take_interference_apart(std::int32_t index, BatchInFlight& batch) {
    if (batch.shape.prefill_tokens == 0 || batch.shape.decode_sequences == 0 || stage_times_.size() > 1) return;
    const CostModel& cost = *compiled_->costs[replicas_[static_cast<std::size_t>(index)].pool];
    const Duration both = stage_times_[0];
    StepShape prefill = batch.shape;
    prefill.decode_sequences = prefill.decode_context = 0;
    prefill.sampled_sequences -= batch.shape.decode_sequences;
    cost.alone(prefill, stage_times_);
    batch.for_decodes = both - stage_times_[0];
    StepShape decodes;
    decodes.decode_sequences = decodes.sampled_sequences = batch.shape.decode_sequences;
    decodes.decode_context = batch.shape.decode_context;
    cost.alone(decodes, stage_times_);
    batch.for_prefill = both - stage_times_[0];
}

void Run::Impl::complete(ReplicaState& replica, RequestSlot slot) {
    RequestState& request = requests_[slot];
    if (request.in_decode_segment) close_decode_segment(solo_[replica.pool], request, request.computed);
    if (policies_[replica.pool]->releases_at_finish()) {
        release_kv(replica, requests_, slot);
    } else {
        replica.deferred_blocks += request.blocks;
    }
    replica.outstanding_requests -= 1;
    replica.outstanding_tokens -= request.prompt + request.output;
    request.left_running = true;
    ++left_running_;
    ended_.push_back(slot);
    log(LogEntry::finished, request.sequence, request.preemptions);
    RequestRecord record = make_record(slot);
    ++totals_.finished;
    windows_.count_outcome(record, request.slo_class);
    sink_->on_request(std::move(record));
}

RequestRecord Run::Impl::make_record(RequestSlot slot) {
    const RequestState& request = requests_[slot];
    Arrival& arrival = requests_.arrival(slot);
    RequestRecord record;
    record.sequence = request.sequence;
    record.id = std::move(arrival.id);
    record.conversation = std::move(arrival.conversation);
    record.slo_class = std::move(arrival.slo_class);
    record.model = std::move(arrival.model);
    record.prompt = arrival.prompt;
    record.output = arrival.output;
    record.cached = Tokens(request.cached);
    record.arrived = request.arrived;
    record.scheduled = request.scheduled;
    record.first_token = request.first_token;
    record.decode_started = request.decode_replica < 0 ? request.first_token : request.decode_started;
    record.finished = now_;
    record.preemptions = request.preemptions;
    record.prefill_replica = request.prefill_replica;
    record.decode_replica = request.decode_replica;
    record.ledger = request.ledger;
    record.blame = request.blame;
    // What it waited before its KV moved, beside waiting for a destination, it waited for the link.
    record.blame[BlameCause::link] = record.ledger[LedgerPart::transfer_wait] -
                                     record.blame[BlameCause::destination_kv] -
                                     record.blame[BlameCause::destination_sequences];
    record.observed_ttft = arrival.observed_ttft;
    record.observed_e2e = arrival.observed_e2e;
    REPLAYD_ASSERT(record.ledger.sum() == record.e2e());
    return record;
}

void Run::Impl::emit_batch(const ReplicaState& replica, const BatchInFlight& batch) {
    BatchRecord record;
    record.batch = next_batch_++;
    record.replica = replica.index;
    record.scheduled = batch.scheduled;
    record.finished = batch.ends.back();
    record.kv_blocks_used = replica.kv.used();
    record.waiting = static_cast<std::int64_t>(replica.waiting.size());
    for (const ScheduledTokens& member : batch.decision.members) {
        const RequestState& request = requests_[member.slot];
        BatchMember made{request.sequence, Tokens(member.tokens), member.prefill};
        if (!member.prefill || request.computed + member.tokens == request.target) made.output_token = request.generated;
        record.members.push_back(made);
    }
    sink_->on_batch(std::move(record));
}

}  // namespace replayd
