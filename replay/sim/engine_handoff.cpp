// Prefill to decode: a destination is reserved before the transfer starts, the source's blocks are released
// after it has ended, and no request decodes before its KV has arrived. When the destination pool is full hand-offs
// queue, first come first served: the head waits for room and nobody overtakes it, so that a large one is never passed
// over for ever. What the network does is in transfer_network.hpp.
//
// Layer-wise overlap. KV of a layer can leave when the layer is computed (Splitwise, arXiv 2311.18677, section 4.3;
// Mooncake, arXiv 2407.00079, section 5.2). When a step is launched that ends a prompt, the request asks for a
// destination; from the moment it has one, KV flows: that of earlier chunks (and of a cached prefix) is there, that of
// all layers but the last is made evenly over the step, and the last layer's, with the request's fixed state, is there
// when the step ends. So a transfer with the cards for itself ends at
//   max(step's end + the last layer's time, launch + the whole transfer's time) + latency,
// or a little after the former where earlier layers wait for the card. The first token is as without overlap; the
// ledger counts from it, hence only what is exposed. Left out: that earlier chunks could have left before the last
// one's launch (the destination is not known then), uneven layers, and that pipeline stages hold up different layers.

#include <algorithm>

#include "replay/base/assert.hpp"
#include "replay/sim/engine.hpp"

namespace replayd {
namespace {

/// In Run::Impl::announced_: not announced, and announced but without a destination.
constexpr std::uint32_t k_not_announced = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint32_t k_without_destination = k_not_announced - 1;

}  // namespace

std::vector<NicSpec> Run::Impl::cards_of(const Scenario& scenario) const {
    std::vector<NicSpec> cards;
    for (const ReplicaState& replica : replicas_) {
        cards.push_back(scenario.transfer.cards(scenario.pools[replica.pool].role));
    }
    return cards;
}

std::optional<std::size_t> Run::Impl::local_prefill(const Arrival& arrival) {
    const std::int64_t tokens_max = compiled_->scenario.transfer.local_prefill_tokens_max.value;
    if (tokens_max == 0 || !compiled_->scenario.disaggregated()) return std::nullopt;
    const std::size_t pool = compiled_->scenario.pools.size() - 1;
    const std::span<ReplicaState> replicas = pool_replicas(pool);
    const bool cached = replicas[0].kv.cache() != nullptr && !arrival.prefix_hashes.empty();
    if (arrival.prompt.value > tokens_max && !cached) return std::nullopt;
    if (!refusal_of(pool, arrival, arrival.prompt.value + arrival.output.value - 1).empty()) return std::nullopt;
    for (const ReplicaState& replica : replicas) {
        if (cached) sync_blocks(replica.index, now_);
    }
    sync_for_router(pool);
    return routers_[pool].pick(replicas, arrival, [&](const ReplicaState& replica) {
        if (!takes_requests(replica)) return false;
        if (arrival.prompt.value <= tokens_max) return true;
        const PrefixMatch match =
            replica.kv.cache()->match(arrival.prefix_hashes, arrival.prefix_block.value, arrival.prompt.value);
        return arrival.prompt.value - match.tokens <= tokens_max;
    });
}

void Run::Impl::announce_handoffs(const ReplicaState& replica, const BatchInFlight& batch) {
    if (compiled_->scenario.pools[replica.pool].role != PoolRole::prefill ||
        compiled_->scenario.transfer.overlap != TransferOverlap::layerwise) {
        return;
    }
    for (const ScheduledTokens& member : batch.decision.members) {
        const RequestState& request = requests_[member.slot];
        if (request.computed + member.tokens < request.target || request.output == 1) continue;
        if (announced_.size() <= member.slot) announced_.resize(member.slot + 1, k_not_announced);
        announced_[member.slot] = k_without_destination;
        Handoff handoff;
        handoff.slot = member.slot;
        handoff.launched = now_;
        handoff.made = batch.ends.back();
        handoff.tokens_before = request.computed;
        handoffs_.push_back(handoff);
        handoff_announced_ = true;
    }
}

void Run::Impl::hand_off(ReplicaState& replica, RequestSlot slot) {
    RequestState& request = requests_[slot];
    REPLAYD_ASSERT(request.computed == request.prompt);
    request.wait_part = LedgerPart::transfer_wait;
    request.hands_off_since = destination_clocks_.read(now_);
    request.left_running = true;
    ++left_running_;
    ++transferring_;
    count_outstanding(replica, request, -1);
    const std::uint32_t announced = slot < announced_.size() ? announced_[slot] : k_not_announced;
    if (announced == k_not_announced) {
        Handoff handoff;
        handoff.slot = slot;
        handoff.launched = handoff.made = now_;
        handoff.tokens_before = request.prompt;
        handoffs_.push_back(handoff);
    } else if (announced != k_without_destination) {
        network_.all_made(announced, now_);
    }
}

std::int64_t Run::Impl::sequences_of(const ReplicaState& replica) const {
    // Requests that are to be prefilled here hold nothing before they run: they keep no room from those that come.
    const std::int64_t waiting = replica.queued() - runtimes_[static_cast<std::size_t>(replica.index)].never_ran;
    const auto running = static_cast<std::int64_t>(replica.running.size() + replica.leaving.size());
    return running + waiting + replica.incoming;
}

BlameCause Run::Impl::why_no_room() {
    const auto destinations = pool_replicas(compiled_->scenario.pools.size() - 1);
    const auto takes_more = [&](const ReplicaState& replica) {
        return takes_requests(replica) &&
               sequences_of(replica) < compiled_->scenario.pools[replica.pool].batching.max_sequences;
    };
    return std::any_of(destinations.begin(), destinations.end(), takes_more) ? BlameCause::destination_kv
                                                                              : BlameCause::destination_sequences;
}

bool Run::Impl::has_room(const ReplicaState& replica, std::int64_t blocks) {
    const std::int64_t sequences = sequences_of(replica);
    if (sequences >= compiled_->scenario.pools[replica.pool].batching.max_sequences) return false;
    sync_blocks(replica.index, now_);  // what a decode stretch has grown into is not free
    // Head-room: every sequence already here may need one more block before anything is released.
    return replica.kv.free() - blocks >= sequences;
}

bool Run::Impl::place_handoffs() {
    bool placed = false;
    while (!handoffs_.empty()) {
        Handoff handoff = handoffs_.front();
        const std::size_t pool = compiled_->scenario.pools.size() - 1;
        const std::span<ReplicaState> destinations = pool_replicas(pool);
        // Others are brought up to now by has_room, where it matters.
        if (compiled_->scenario.pools[pool].router == RouterKind::prefix_aware) sync_for_router(pool);
        handoff.destination_blocks = policies_[pool]->reservation(destinations[0], requests_[handoff.slot].prompt);
        const auto pick =
            routers_[pool].pick(destinations, requests_.arrival(handoff.slot), [&](const ReplicaState& replica) {
                return takes_requests(replica) && has_room(replica, handoff.destination_blocks);
            });
        if (!pick) break;
        handoffs_.pop_front();
        RequestState& request = requests_[handoff.slot];
        if (request.left_running) destination_clocks_.charge(now_, request.hands_off_since, request.blame);
        handoff.destination = destinations[*pick].index;
        handoff.start = now_;
        start_transfer(handoff, destinations[*pick]);
        placed = true;
    }
    return placed;
}

TransferLoad Run::Impl::load_of(const Handoff& handoff) const {
    const RequestState& request = requests_[handoff.slot];
    const TransferSize& size = compiled_->transfer;
    TransferLoad load;
    load.sequence = request.sequence;
    load.source = request.replica;
    load.destination = handoff.destination;
    load.total = k_nanobytes_per_byte * (size.per_token.value * request.prompt + size.per_request.value);
    load.in_the_making = handoff.made > handoff.launched;
    if (!load.in_the_making) return load;
    const Nanobytes before = k_nanobytes_per_byte * size.per_token.value * handoff.tokens_before;
    const std::int64_t chunk = size.per_token.value * (request.prompt - handoff.tokens_before);
    const std::int64_t layers = compiled_->scenario.model.layers;
    load.not_made = load.total - before;
    const Nanobytes made_per_s =
        k_nanobytes_per_byte * chunk * (layers - 1) / (Nanobytes(layers) * (handoff.made - handoff.launched).value);
    // More than the cards take makes no difference.
    load.made_per_s =
        static_cast<std::int64_t>(std::min<Nanobytes>(made_per_s, network_.line_rate(load.source, load.destination)));
    return load;
}

/// Whether the decode stretch under way goes on as planned with the blocks that are left. With nobody waiting they are
/// all that a reservation changes for its steps. Precondition: its blocks are brought up to now.
bool Run::Impl::outlasts_reservation(const ReplicaState& replica) const {
    const ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(replica.index)];
    if (runtime.in_flight.empty() || runtime.group != k_no_group || runtime.decides_ahead || replica.queued() > 0) {
        return false;
    }
    const BatchInFlight& batch = runtime.in_flight.front();
    if (batch.set_members == 0 || !batch.decision.members.empty()) return false;
    const auto blocks = policies_[replica.pool]->stretch_blocks(replica, batch.sequences(), batch.decision);
    const std::int64_t steps = static_cast<std::int64_t>(batch.ends.size()) - runtime.decodes.reserved_steps();
    return blocks && runtime.decodes.steps_within(steps, *blocks) == steps;
}

void Run::Impl::start_transfer(Handoff handoff, ReplicaState& destination) {
    RequestState& request = requests_[handoff.slot];
    destination.kv.allocate(handoff.destination_blocks);
    ++destination.incoming;
    count_outstanding(destination, request, 1);
    if (!outlasts_reservation(destination)) interrupt(destination.index);
    log(EventKind::transfer, request.sequence, destination.index);

    TransferLoad load = load_of(handoff);
    const std::int64_t line = network_.line_rate(load.source, load.destination);
    const Nanobytes step = (handoff.made - handoff.launched).value;
    const Nanobytes hidden = std::min(line * step, load.total - load.not_made + load.made_per_s * step);
    handoff.alone = sending_time(load.total - hidden, line) + compiled_->scenario.transfer.latency;

    auto place = static_cast<std::uint32_t>(transfers_.size());
    if (free_transfers_.empty()) {
        transfers_.push_back(handoff);
    } else {
        place = free_transfers_.back();
        free_transfers_.pop_back();
        transfers_[place] = handoff;
    }
    if (handoff.made > now_) {
        load.not_made -= load.made_per_s * Nanobytes((now_ - handoff.launched).value);
        announced_[handoff.slot] = place;
    } else {
        load.in_the_making = false;
        load.not_made = 0;
    }
    network_.start(place, load, now_);
}

void Run::Impl::end_sending() {
    sent_.clear();
    network_.advance(now_, sent_);
    for (const std::uint32_t place : sent_) {
        const Handoff& handoff = transfers_[place];
        // At least one nanosecond: a cause comes before its effect.
        const VirtualTime end =
            std::max(now_ + compiled_->scenario.transfer.latency, VirtualTime(handoff.start.ns + 1));
        transfer_ends_.push({end, requests_[handoff.slot].sequence, place});
    }
}

void Run::Impl::end_transfer(std::uint32_t place) {
    const Handoff handoff = transfers_[place];
    free_transfers_.push_back(place);
    if (handoff.slot < announced_.size()) announced_[handoff.slot] = k_not_announced;
    --transferring_;
    RequestState& request = requests_[handoff.slot];
    // Under a network that a fork made faster it may have taken less than it would have under the earlier one.
    const Duration alone = std::min(handoff.alone, now_ - std::max(handoff.start, request.mark));
    request.ledger[LedgerPart::transfer] += alone;
    request.ledger[LedgerPart::transfer_wait] += now_ - request.mark - alone;
    request.mark = now_;

    ReplicaState& source = replicas_[static_cast<std::size_t>(request.replica)];
    release_kv(source, requests_, handoff.slot);
    mark_dirty(source.index);

    ReplicaState& destination = replicas_[static_cast<std::size_t>(handoff.destination)];
    --destination.incoming;
    request.blocks = handoff.destination_blocks;
    request.replica = destination.index;
    request.begin_wait(now_, LedgerPart::decode_queue, runtime_of(request).clocks);
    request.left_running = false;
    // As in vLLM, blocks that were received can be shared as if they had been computed here. What a decode stretch has
    // grown into may have evicted the same prefix.
    sync_blocks(destination.index, now_);
    share_computed(destination, requests_, handoff.slot, request.computed);
    log(EventKind::decode_ready, request.sequence, destination.index);
    join_queue(destination, handoff.slot);
    mark_dirty(destination.index);
}

}  // namespace replayd
