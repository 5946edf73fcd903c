// The state of a run as others see it. What decode sets and stretches stand for is counted as if every step had been an
// event of its own.

#include <algorithm>

#include "replay/sim/engine.hpp"

namespace replayd {
namespace {

/// Steps of the replica's oldest batch that lie behind: more than 0 in a stretch only.
std::int64_t steps_ended(const ReplicaRuntime& runtime, VirtualTime now) {
    return runtime.in_flight.empty() ? 0 : static_cast<std::int64_t>(runtime.in_flight.front().step_at(now));
}

MomentStep step_now(const BatchInFlight& batch, VirtualTime now) {
    const std::size_t step = batch.step_at(now);
    return {step == 0 ? batch.scheduled : batch.ends[step - 1], batch.ends[step], batch.sequences(),
            batch.shape.prefill_tokens, batch.shape.decode_sequences};
}

}  // namespace

Moment Run::Impl::settle_to_moment(std::size_t listed_max) {
    Moment moment;
    moment.at = now_;
    for (const ReplicaState& replica : replicas_) {
        sync_blocks(replica.index, now_);
        BatchQueue& in_flight = runtimes_[static_cast<std::size_t>(replica.index)].in_flight;
        for (std::size_t i = 0; i < in_flight.size(); ++i) count_steps(replica.index, in_flight[i], now_);
    }
    moment.snapshot = snapshot();
    moment.hash = hash_;
    moment.transfers = transfers_now();
    for (ReplicaState& replica : replicas_) {
        list_decodes(replica);
        moment.replicas.push_back(replica_now(replica, listed_max));
    }
    return moment;
}

MomentReplica Run::Impl::replica_now(const ReplicaState& replica, std::size_t listed_max) {
    const ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(replica.index)];
    MomentReplica now;
    now.replica = replica.index;
    now.pool = static_cast<std::int32_t>(replica.pool);
    if (scaler_.on()) now.phase = scaler_.phase(replica.pool, replica_number(replica));
    now.kv_blocks_total = replica.kv.capacity();
    now.kv_blocks_used = replica.kv.used();
    now.kv_blocks_cached = replica.kv.cached();
    if (replica.kv.cache() != nullptr) now.host_blocks_used = replica.kv.cache()->host().used_blocks();
    now.waiting_count = replica.queued();
    now.running_count = static_cast<std::int64_t>(replica.running.size());
    now.incoming = replica.incoming;
    const auto list = [&](const auto& slots, std::vector<MomentRequest>& into, std::int64_t steps) {
        for (const RequestSlot slot : slots) {
            if (into.size() == listed_max) return;
            into.push_back(request_now(slot, steps));
        }
    };
    list(replica.waiting, now.waiting, 0);
    list(replica.unseen, now.waiting, 0);
    list(replica.running, now.running, steps_ended(runtime, now_));
    for (std::size_t i = 0; i < runtime.in_flight.size(); ++i) {
        if (runtime.in_flight[i].sequences() > 0) now.steps.push_back(step_now(runtime.in_flight[i], now_));
    }
    return now;
}

MomentRequest Run::Impl::request_now(RequestSlot slot, std::int64_t steps) const {
    const RequestState& request = requests_[slot];
    const Arrival& arrival = requests_.arrival(slot);
    if (!request.in_flight || !request.decoding()) steps = 0;
    return {request.sequence,
            arrival.id,
            request.arrived,
            request.mark,
            request.wait_part,
            Tokens(request.prompt),
            Tokens(request.output),
            Tokens(request.computed + steps),
            Tokens(request.generated + steps),
            request.blocks,
            request.preemptions,
            request.in_flight};
}

MomentTransfer Run::Impl::transfer_of(const Handoff& handoff, MomentTransfer::State state) const {
    const RequestState& request = requests_[handoff.slot];
    const bool waits = state == MomentTransfer::State::waits_for_room;
    return {state, request.sequence, requests_.arrival(handoff.slot).id, request.replica, handoff.destination,
            waits ? handoff.launched : handoff.start, std::nullopt};
}

std::vector<MomentTransfer> Run::Impl::transfers_now() {
    std::vector<MomentTransfer> moving;
    std::vector<bool> under_way(transfers_.size(), true);
    for (const std::uint32_t place : free_transfers_) under_way[place] = false;
    for (std::size_t place = 0; place < transfers_.size(); ++place) {
        if (under_way[place]) moving.push_back(transfer_of(transfers_[place], MomentTransfer::State::moves));
    }
    for (auto loads = load_ends_; !loads.empty(); loads.pop()) {
        const LoadEnd& load = loads.top();
        const std::int32_t replica = requests_[load.slot].replica;
        moving.push_back({MomentTransfer::State::loads_from_host, load.sequence, requests_.arrival(load.slot).id,
                          replica, replica, load.start, load.time});
    }
    std::sort(moving.begin(), moving.end(),
              [](const MomentTransfer& x, const MomentTransfer& y) { return x.sequence < y.sequence; });
    std::vector<MomentTransfer> all;
    for (const Handoff& handoff : handoffs_) all.push_back(transfer_of(handoff, MomentTransfer::State::waits_for_room));
    all.insert(all.end(), std::make_move_iterator(moving.begin()), std::make_move_iterator(moving.end()));
    return all;
}

}  // namespace replayd
