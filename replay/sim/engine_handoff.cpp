// Prefill to decode: a destination is reserved before the transfer starts, the source's blocks are released
// after it has ended, and no request decodes before its KV has arrived.

#include <algorithm>
#include <cmath>

#include "replay/base/assert.hpp"
#include "replay/sim/engine.hpp"

namespace replayd {

void Run::Impl::hand_off(ReplicaState& replica, RequestSlot slot) {
    RequestState& request = requests_[slot];
    REPLAYD_ASSERT(request.computed == request.prompt);
    request.wait_part = LedgerPart::transfer_wait;
    request.left_running = true;
    ++left_running_;
    replica.outstanding_requests -= 1;
    replica.outstanding_tokens -= request.prompt + request.output;
    handoffs_.push_back(slot);
}

bool Run::Impl::has_room(const ReplicaState& replica, std::int64_t blocks) const {
    const auto running = static_cast<std::int64_t>(replica.running.size());
    const auto waiting = static_cast<std::int64_t>(replica.waiting.size());
    const std::int64_t sequences = running + waiting + replica.incoming;
    if (sequences >= compiled_->scenario.pools[replica.pool].batching.max_sequences) return false;
    // Head-room: every sequence already here may need one more block before anything is released.
    return replica.kv.free() - blocks >= sequences;
}

bool Run::Impl::place_handoffs() {
    bool placed = false;
    while (!handoffs_.empty()) {
        const RequestSlot slot = handoffs_.front();
        const std::size_t pool = compiled_->scenario.pools.size() - 1;
        const std::span<ReplicaState> destinations = pool_replicas(pool);
        for (const ReplicaState& destination : destinations) sync_blocks(destination.index, now_);
        const std::int64_t blocks = policies_[pool]->reservation(destinations[0], requests_[slot].prompt);
        const auto pick = routers_[pool].pick(
            destinations, requests_.arrival(slot),
            [&](const ReplicaState& replica) { return has_room(replica, blocks); });
        if (!pick) break;
        handoffs_.pop_front();
        start_transfer({slot, destinations[*pick].index, blocks, now_}, destinations[*pick]);
        placed = true;
    }
    return placed;
}

void Run::Impl::start_transfer(Handoff handoff, ReplicaState& destination) {
    RequestState& request = requests_[handoff.slot];
    destination.kv.allocate(handoff.destination_blocks);
    ++destination.incoming;
    destination.outstanding_requests += 1;
    destination.outstanding_tokens += request.prompt + request.output;
    interrupt(destination.index);

    const TransferSpec& link = compiled_->scenario.transfer;
    const TransferSize& size = compiled_->transfer;
    const double bytes = static_cast<double>(size.per_token.value * request.prompt + size.per_request.value);
    const Duration sending(static_cast<std::int64_t>(std::ceil(bytes * 1e9 / link.bytes_per_s)));
    VirtualTime& egress_free = runtimes_[static_cast<std::size_t>(request.replica)].egress_free;
    handoff.start = std::max(now_, egress_free);
    egress_free = handoff.start + sending;
    // At least one nanosecond: a cause comes before its effect.
    const VirtualTime end = std::max(egress_free + link.latency, VirtualTime(now_.ns + 1));
    log(LogEntry::transfer, request.sequence, end.ns);

    std::uint32_t place = static_cast<std::uint32_t>(transfers_.size());
    if (free_transfers_.empty()) {
        transfers_.push_back(handoff);
    } else {
        place = free_transfers_.back();
        free_transfers_.pop_back();
        transfers_[place] = handoff;
    }
    ++transferring_;
    transfer_ends_.push({end, request.sequence, place});
}

void Run::Impl::end_transfer(std::uint32_t place) {
    const Handoff handoff = transfers_[place];
    free_transfers_.push_back(place);
    --transferring_;
    RequestState& request = requests_[handoff.slot];
    request.ledger[LedgerPart::transfer_wait] += handoff.start - request.mark;
    request.ledger[LedgerPart::transfer] += now_ - handoff.start;
    request.mark = now_;
    request.wait_part = LedgerPart::decode_queue;

    ReplicaState& source = replicas_[static_cast<std::size_t>(request.replica)];
    release_kv(source, requests_, handoff.slot);
    mark_dirty(source.index);

    ReplicaState& destination = replicas_[static_cast<std::size_t>(handoff.destination)];
    --destination.incoming;
    request.blocks = handoff.destination_blocks;
    request.replica = destination.index;
    request.left_running = false;
    log(LogEntry::decode_ready, request.sequence, destination.index);
    interrupt(destination.index);
    enqueue_ready(destination, requests_, handoff.slot);
    mark_dirty(destination.index);
}

}  // namespace replayd
