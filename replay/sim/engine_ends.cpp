// The end of a batch: what it did to its members, the ledger and the blame of their time, and who has finished.

#include <algorithm>
#include <optional>

#include "replay/base/assert.hpp"
#include "replay/sim/engine.hpp"
#include "replay/sim/speculation.hpp"

namespace replayd {

void Run::Impl::end_batch(std::int32_t index) {
    ReplicaState& replica = replicas_[static_cast<std::size_t>(index)];
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(index)];
    sync_blocks(index, now_);
    BatchInFlight& batch = runtime.in_flight.front();
    runtime.last_end = now_;
    runtime.last_start = batch.ends.size() > 1 ? batch.ends[batch.ends.size() - 2] : batch.scheduled;
    count_steps(index, batch, VirtualTime(now_.ns + 1));
    runtime.additions.prefill_ns += batch.for_prefill.value;
    if (keeps_records_ && runtime.group != k_no_group) {
        runtime.additions.slower_ns += for_slower_ranks(index, batch).value;
    }
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
    for (const RequestSlot slot : ended_) remove(slot);
    ended_.clear();
    if (runtime.in_flight.size() == 1 || runtime.group != k_no_group) count_busy(index, now_);
    runtime.in_flight.pop();
    synced_until_[static_cast<std::size_t>(index)] = k_not_synced;
    if (runtime.in_flight.empty()) {
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
        if (batch.verifies) {
            end_verified(replica, member, solo);
            continue;
        }
        if (earlier) {
            close_decode_segment(solo, request, request.computed + steps);
            request.begin_decode_segment(runtime_of(request).additions);
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
    if (keeps_records_) account_chunk(request, tokens, batch, solo);
    request.mark = now_;
    request.begin_wait(now_, LedgerPart::chunk_wait, runtime_of(request).clocks);
    request.computed += tokens;
    if (!samples) return;
    if (++request.generated == 1) {
        request.first_token = now_;
        log(EventKind::first_token, request.sequence, request.replica);
        windows_.count_first_token(now_ - request.arrived);
    }
    if (request.generated == request.output) {
        complete(replica, slot);
    } else if (compiled_->scenario.pools[replica.pool].role == PoolRole::prefill) {
        hand_off(replica, slot);
    } else {
        request.begin_decode_segment(runtime_of(request).additions);
    }
}

void Run::Impl::account_chunk(RequestState& request, std::int64_t tokens, const BatchInFlight& batch,
                              const SoloCost& solo) {
    const bool samples = request.computed + tokens == request.target;
    const Duration alone =
        batch.chunk_alone ? *batch.chunk_alone : solo.step(chunk_shape(request.computed, tokens, samples));
    const Duration elapsed = now_ - request.mark;
    REPLAYD_ASSERT(alone <= elapsed);
    const bool again = request.computed < request.high_water;
    request.ledger[again ? LedgerPart::recompute : LedgerPart::prefill_compute] += alone;
    request.ledger[LedgerPart::batch_interference] += elapsed - alone;
    if (runtime_of(request).stage_free.size() > 1) {
        request.blame[BlameCause::pipeline] += elapsed - alone;
        return;
    }
    const Duration slower = std::min(batch.for_slower, elapsed - alone);
    // At most all of it: tables that price by mean lengths are not monotone.
    const Duration decodes = std::min(batch.for_decodes, elapsed - alone - slower);
    request.blame[BlameCause::slower_rank] += slower;
    request.blame[BlameCause::other_decodes] += decodes;
    request.blame[BlameCause::other_prefill] += elapsed - alone - slower - decodes;
}

void Run::Impl::end_decode(ReplicaState& replica, RequestSlot slot, std::int64_t steps) {
    RequestState& request = requests_[slot];
    request.computed += steps;
    request.generated += steps;
    if (request.generated == request.output) complete(replica, slot);
}

void Run::Impl::end_verified(ReplicaState& replica, const ScheduledTokens& member, const SoloCost& solo) {
    RequestState& request = requests_[member.slot];
    const std::int64_t drafts = member.tokens - 1;
    settle_decode(request, solo.step(verify_shape(request.computed, drafts)));
    const SpeculationSpec& spec = *compiled_->scenario.pools[replica.pool].speculation;
    const std::int64_t made = 1 + accepted_drafts(spec, request.sequence, request.generated, drafts);
    request.computed += made;
    request.generated += made;
    if (request.generated == request.output) {
        complete(replica, member.slot);
    } else {
        request.begin_decode_segment(runtime_of(request).additions);
    }
}

void Run::Impl::close_decode_segment(SoloCost& solo, RequestState& request, std::int64_t computed) {
    if (keeps_records_) {
        settle_decode(request, solo.decode(request.segment_context, computed - request.segment_context));
    } else {
        request.mark = now_;
        request.in_decode_segment = false;
    }
}

void Run::Impl::settle_decode(RequestState& request, Duration alone) {
    const Duration elapsed = now_ - request.mark;
    REPLAYD_ASSERT(alone <= elapsed);
    request.ledger[LedgerPart::decode_compute] += alone;
    request.ledger[LedgerPart::batch_interference] += elapsed - alone;
    const ReplicaRuntime& runtime = runtime_of(request);
    if (runtime.stage_free.size() > 1) {
        request.blame[BlameCause::pipeline] += elapsed - alone;
    } else {
        const StepAdditions& since = request.segment_since;
        const Duration slower = std::min(Duration(runtime.additions.slower_ns - since.slower_ns), elapsed - alone);
        const Duration prefill =
            std::min(Duration(runtime.additions.prefill_ns - since.prefill_ns), elapsed - alone - slower);
        request.blame[BlameCause::slower_rank] += slower;
        request.blame[BlameCause::other_prefill] += prefill;
        request.blame[BlameCause::other_decodes] += elapsed - alone - slower - prefill;
    }
    request.mark = now_;
    request.in_decode_segment = false;
}

void Run::Impl::complete(ReplicaState& replica, RequestSlot slot) {
    RequestState& request = requests_[slot];
    if (request.in_decode_segment) close_decode_segment(solo_[replica.pool], request, request.computed);
    const bool ahead = runtime_of(request).decides_ahead;
    if (ahead) {
        replica.leaving.push_back(slot);
    } else if (policies_[replica.pool]->releases_at_finish()) {
        release_kv(replica, requests_, slot);
    } else {
        replica.deferred_blocks += request.blocks;
    }
    count_outstanding(replica, request, -1);
    request.left_running = true;
    ++left_running_;
    if (!ahead) ended_.push_back(slot);
    log(EventKind::finished, request.sequence, request.preemptions);
    ++totals_.finished;
    if (!keeps_records_) {
        note_times(request, bare_);
        windows_.count_outcome(bare_, request.slo_class);
        return;
    }
    RequestRecord record = make_record(slot);
    windows_.count_outcome(record, request.slo_class);
    sink_->on_request(std::move(record));
}

void Run::Impl::note_times(const RequestState& request, RequestRecord& record) const {
    record.output = Tokens(request.output);
    record.arrived = request.arrived;
    record.scheduled = request.scheduled;
    record.first_token = request.first_token;
    record.finished = now_;
}

RequestRecord Run::Impl::make_record(RequestSlot slot) {
    const RequestState& request = requests_[slot];
    const Arrival& arrival = requests_.arrival(slot);
    RequestRecord record;
    record.sequence = request.sequence;
    record.id = arrival.id;
    // Most requests have none of these.
    if (!arrival.conversation.empty()) record.conversation = arrival.conversation;
    if (!arrival.slo_class.empty()) record.slo_class = arrival.slo_class;
    if (!arrival.model.empty()) record.model = arrival.model;
    record.prompt = arrival.prompt;
    note_times(request, record);
    record.cached = Tokens(request.cached);
    record.decode_started = request.decode_replica < 0 ? request.first_token : request.decode_started;
    record.preemptions = request.preemptions;
    record.prefill_replica = request.prefill_replica;
    record.decode_replica = request.decode_replica;
    hand_over_ledger(request, record);
    record.observed_ttft = arrival.observed_ttft;
    record.observed_e2e = arrival.observed_e2e;
    record.observed_tpot = arrival.observed_tpot;
    record.observed_cached = arrival.observed_cached;
    return record;
}

void Run::Impl::hand_over_ledger(const RequestState& request, RequestRecord& record) {
    record.ledger = request.ledger;
    record.blame = request.blame;
    // What it waited before its KV moved, beside waiting for a destination, it waited for the link.
    record.blame[BlameCause::link] =
        record.ledger[LedgerPart::transfer_wait] - record.blame[BlameCause::destination_kv] -
        record.blame[BlameCause::destination_sequences] - record.blame[BlameCause::destination_starting];
    REPLAYD_ASSERT(record.ledger.sum() == record.e2e());
}

}  // namespace replayd
