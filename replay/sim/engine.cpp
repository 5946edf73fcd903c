#include "replay/sim/engine.hpp"

#include <algorithm>

#include "replay/base/assert.hpp"

namespace replayd {
namespace {

constexpr VirtualTime k_never = ReplicaTimers::k_never;

}  // namespace

std::int64_t Run::Impl::state_blocks(const MemoryPlan& plan) {
    if (plan.state_bytes_per_request.value == 0) return 0;
    return ceil_div(plan.state_bytes_per_request.value, plan.kv_bytes_per_block.value);
}

Run::Impl::Impl(std::shared_ptr<const CompiledScenario> compiled, RecordSink& sink, RunOptions options)
    : compiled_(std::move(compiled)),
      sink_(&sink),
      options_(options),
      scaler_(compiled_->scenario),
      scaling_(compiled_->scenario.pools.size()),
      pool_starting_(compiled_->scenario.pools.size()),
      windows_(compiled_->scenario.window, SloClasses(compiled_->scenario), compiled_->scenario.pools.size()),
      batches_wanted_(sink.wants_batches()) {
    if (batches_wanted_) options_.stretch_steps_max = 0;
    const Scenario& scenario = compiled_->scenario;
    for (std::size_t pool = 0; pool < scenario.pools.size(); ++pool) {
        const PoolSpec& spec = scenario.pools[pool];
        const MemoryPlan& plan = compiled_->plans[pool];
        pool_begin_.push_back(replicas_.size());
        policies_.push_back(make_batch_policy(spec, plan.blocks));
        routers_.emplace_back(spec, scenario.seed + pool);
        if (spec.router == RouterKind::vllm_balancer) next_count_ = VirtualTime(0);
        solo_.emplace_back(compiled_->costs[pool]);
        const std::int64_t ranks = spec.replicas * spec.parallel.data;
        const bool grouped = compiled_->group_costs[pool] != nullptr;
        std::optional<EvictionKind> cache;
        if (spec.kv.prefix_caching) cache = spec.kv.eviction;
        for (std::int64_t i = 0; i < ranks; ++i) {
            replicas_.push_back(ReplicaState{.index = static_cast<std::int32_t>(replicas_.size()),
                                             .pool = pool,
                                             .kv = BlockPool(plan.blocks, spec.kv.block, cache, plan.host_blocks),
                                             .state_blocks = state_blocks(plan),
                                             .order = spec.batching.queue});
            if (grouped && i % spec.parallel.data == 0) {
                groups_.push_back({replicas_.back().index, static_cast<std::int32_t>(spec.parallel.data)});
            }
            runtimes_.emplace_back();
            if (grouped) runtimes_.back().group = static_cast<std::int32_t>(groups_.size()) - 1;
            runtimes_.back().decides_ahead = spec.batching.asynchronous && spec.parallel.pipeline == 1 &&
                                             spec.batching.policy == BatchPolicyKind::vllm_v1;
            runtimes_.back().decodes = DecodeSet(spec.kv.block.value);
            runtimes_.back().in_flight = BatchQueue(static_cast<std::size_t>(compiled_->costs[pool]->stages()));
            runtimes_.back().stage_free.resize(static_cast<std::size_t>(compiled_->costs[pool]->stages()));
            totals_.kv_blocks_total += plan.blocks;
            if (cache) totals_.host_blocks_total += plan.host_blocks;
        }
    }
    pool_begin_.push_back(replicas_.size());
    synced_until_.assign(replicas_.size(), k_not_synced);
    if (scaler_.on()) count_blocks();
    batch_ends_ = ReplicaTimers(replicas_.size());
    if (scenario.disaggregated()) network_ = TransferNetwork(cards_of(scenario));
}

void Run::Impl::offer(Arrival&& arrival) {
    REPLAYD_ASSERT(arrival.at >= (arrivals_.empty() ? now_ : arrivals_.back().at));
    arrivals_.add(std::move(arrival));
}

void Run::Impl::offer(const ArrivalBatch& batch, std::size_t first, std::size_t count) {
    if (count == 0) return;
    REPLAYD_ASSERT(first <= batch->size() && count <= batch->size() - first);
    const auto offered = std::span(*batch).subspan(first, count);
    REPLAYD_ASSERT(offered.front().at >= (arrivals_.empty() ? now_ : arrivals_.back().at));
    const auto earlier = [](const Arrival& a, const Arrival& b) { return a.at < b.at; };
    REPLAYD_ASSERT(std::is_sorted(offered.begin(), offered.end(), earlier));
    arrivals_.add(batch, first, count);
}

void Run::Impl::advance(VirtualTime watermark) {
    if (watermark <= watermark_) return;
    watermark_ = watermark;
    run_until(watermark);
    close_windows(watermark);
    now_ = std::max(now_, watermark);
}

void Run::Impl::finish() {
    run_until(k_never);
    REPLAYD_ASSERT(requests_.active() == 0);
    if (!windows_.untouched()) close_window();
    // How far a watermark or a slice of the caller lay beyond the last event says nothing of the run.
    now_ = last_event_;
}

VirtualTime Run::Impl::next_time() const {
    return arrivals_.empty() ? next_event() : std::min(next_event(), arrivals_.front().at);
}

void Run::Impl::run_until(VirtualTime limit) {
    for (VirtualTime event = next_time(); event != k_never; event = next_time()) {
        const VirtualTime next = std::min(event, scaler_.next());
        if (next >= limit) return;
        close_windows(next);
        tick(next);
    }
}

void Run::Impl::tick(VirtualTime now) {
    now_ = last_event_ = now;
    if (scaler_.next() <= now) scale();
    if (next_count_ <= now) count_for_routers();
    while (!arrivals_.empty() && arrivals_.front().at == now) accept(arrivals_.take());
    do {
        // Placing a hand-off can cut a decode stretch to a step that ends now.
        do {
            drain_events();
        } while (!handoffs_.empty() && place_handoffs() && next_event() == now);
        blocks_freed_ = handoff_announced_ = false;
        schedule_dirty();
    } while ((blocks_freed_ || handoff_announced_) && !handoffs_.empty());
    if (!handoffs_.empty()) destination_clocks_.turn(now_, why_no_room());
    if (scaler_.draining() > 0) release_drained();
}

void Run::Impl::drain_events() {
    // At one instant batches end first, in order of replicas; then cards have sent; then KV arrives, from the
    // host before that of transfers, in order of requests.
    while (next_event() == now_) {
        if (batch_ends_.first_time() == now_) {
            end_batch(batch_ends_.first());
            continue;
        }
        if (network_.next() == now_) {
            end_sending();
            continue;
        }
        if (!load_ends_.empty() && load_ends_.top().time == now_) {
            end_load();
            continue;
        }
        const std::uint32_t place = transfer_ends_.top().place;
        transfer_ends_.pop();
        end_transfer(place);
    }
}

void Run::Impl::accept(const HeldArrival& held) {
    const Arrival& arrival = *held.arrival;
    ++totals_.arrived;
    windows_.count_arrival();
    note_arrival(arrival);
    log(EventKind::arrived, next_sequence_, arrival.prompt.value ^ (arrival.output.value << 32));
    std::size_t pool = 0;
    std::optional<std::size_t> index = local_prefill(arrival);
    if (index) {
        pool = pool_begin_.size() - 2;
    } else if (std::string reason = refusal(arrival); !reason.empty()) {
        reject(arrival, std::move(reason));
        arrivals_.give_back(held);
        return;
    } else {
        index = route(arrival);
    }
    ReplicaState& replica = pool_replicas(pool)[*index];
    ++runtimes_[static_cast<std::size_t>(replica.index)].never_ran;
    const RequestSlot slot = requests_.add(next_sequence_++, held);
    RequestState& request = requests_[slot];
    request.replica = request.prefill_replica = replica.index;
    log(EventKind::routed, request.sequence, replica.index);
    count_outstanding(replica, request, 1);
    classify(slot);
    request.begin_wait(now_, LedgerPart::prefill_queue, runtime_of(request).clocks);
    join_queue(replica, slot);
    mark_dirty(replica.index);
}

void Run::Impl::remove(RequestSlot slot) {
    arrivals_.give_back(requests_.held_arrival(slot));
    requests_.remove(slot);
}

void Run::Impl::classify(RequestSlot slot) {
    RequestState& request = requests_[slot];
    request.slo_class = windows_.classes().of(requests_.arrival(slot).slo_class);
    request.priority = static_cast<std::int32_t>(windows_.classes()[request.slo_class].priority);
}

std::size_t Run::Impl::route(const Arrival& arrival) {
    sync_for_router(0);
    if (!scaler_.on()) return routers_[0].pick(pool_replicas(0), arrival);
    return *routers_[0].pick(pool_replicas(0), arrival,
                             [&](const ReplicaState& replica) { return takes_requests(replica); });
}

void Run::Impl::count_outstanding(ReplicaState& replica, const RequestState& request, std::int64_t requests) {
    replica.outstanding_requests += requests;
    replica.outstanding_tokens += requests * (request.prompt + request.output);
    const std::size_t place = static_cast<std::size_t>(replica.index) - pool_begin_[replica.pool];
    routers_[replica.pool].note_outstanding(place, replica.outstanding_requests);
}

void Run::Impl::tell_router(std::size_t pool) {
    const std::span<const ReplicaState> replicas = pool_replicas(pool);
    for (std::size_t i = 0; i < replicas.size(); ++i) {
        routers_[pool].note_outstanding(i, replicas[i].outstanding_requests);
    }
}

void Run::Impl::sync_for_router(std::size_t pool) {
    const RouterKind router = compiled_->scenario.pools[pool].router;
    if (router != RouterKind::prefix_aware && router != RouterKind::kv_headroom) return;
    // What a decode stretch has grown into is not free, and may have evicted cached blocks.
    for (const ReplicaState& replica : pool_replicas(pool)) sync_blocks(replica.index, now_);
}

void Run::Impl::count_for_routers() {
    for (std::size_t pool = 0; pool < routers_.size(); ++pool) routers_[pool].count(pool_replicas(pool));
    next_count_ = VirtualTime((now_.ns / k_balancer_interval.value + 1) * k_balancer_interval.value);
}

std::string Run::Impl::refusal(const Arrival& arrival) const {
    const Scenario& scenario = compiled_->scenario;
    // The last token's KV is never written; a prefill pool holds the prompt only, and without a second token a decode
    // pool holds nothing.
    const std::int64_t written = arrival.prompt.value + arrival.output.value - 1;
    for (std::size_t pool = 0; pool < scenario.pools.size(); ++pool) {
        const PoolRole role = scenario.pools[pool].role;
        std::int64_t kept = role == PoolRole::prefill ? arrival.prompt.value : written;
        if (role == PoolRole::decode && arrival.output.value == 1) kept = 0;
        if (std::string refused = refusal_of(pool, arrival, kept); !refused.empty()) return refused;
    }
    return {};
}

std::string Run::Impl::refusal_of(std::size_t pool, const Arrival& arrival, std::int64_t kept) const {
    const PoolSpec& spec = compiled_->scenario.pools[pool];
    const std::int64_t context = arrival.prompt.value + arrival.output.value;
    if (context > spec.max_context.value) {
        return "pool " + spec.name + ": prompt + output is " + std::to_string(context) +
               " tokens, its context ends at " + std::to_string(spec.max_context.value);
    }
    if (kept == 0) return {};
    std::string refused = policies_[pool]->refusal(replicas_[pool_begin_[pool]], arrival.prompt.value, kept);
    return refused.empty() ? refused : "pool " + spec.name + ": " + refused;
}

void Run::Impl::reject(const Arrival& arrival, std::string reason) {
    RequestRecord record;
    record.sequence = next_sequence_++;
    record.id = arrival.id;
    record.conversation = arrival.conversation;
    record.slo_class = arrival.slo_class;
    record.model = arrival.model;
    record.outcome = Outcome::rejected;
    record.reject_reason = std::move(reason);
    record.prompt = arrival.prompt;
    record.output = arrival.output;
    record.arrived = record.scheduled = record.first_token = record.decode_started = record.finished = arrival.at;
    record.observed_ttft = arrival.observed_ttft;
    record.observed_e2e = arrival.observed_e2e;
    record.observed_tpot = arrival.observed_tpot;
    record.observed_cached = arrival.observed_cached;
    ++totals_.rejected;
    log(EventKind::rejected, record.sequence);
    windows_.count_outcome(record, windows_.classes().of(record.slo_class));
    if (keeps_records_) sink_->on_request(std::move(record));
}

void Run::Impl::schedule_dirty() {
    if (dirty_.size() > 1) std::sort(dirty_.begin(), dirty_.end());
    std::int32_t last_group = k_no_group;
    for (const std::int32_t replica : dirty_) {
        ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(replica)];
        runtime.dirty = false;
        if (runtime.group == k_no_group) {
            schedule(replica);
        } else if (runtime.group != last_group) {  // its ranks follow each other
            last_group = runtime.group;
            schedule_group(last_group);
        }
    }
    dirty_.clear();
}

void Run::Impl::mark_dirty(std::int32_t replica) {
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(replica)];
    if (runtime.dirty) return;
    runtime.dirty = true;
    dirty_.push_back(replica);
}

void Run::Impl::log(EventKind kind, std::int64_t sequence, std::int64_t detail) {
    if (keeps_records_) {
        hash_.mix(now_.ns);
        hash_.mix(static_cast<std::uint64_t>(kind) | (static_cast<std::uint64_t>(sequence) << 8));
        hash_.mix(detail);
    }
    if (events_ != nullptr) events_->on_event({now_, kind, sequence, detail});
}

std::span<ReplicaState> Run::Impl::pool_replicas(std::size_t pool) {
    return std::span(replicas_).subspan(pool_begin_[pool], pool_begin_[pool + 1] - pool_begin_[pool]);
}

RunSnapshot Run::Impl::snapshot() const {
    RunSnapshot now = totals_;
    now.now = now_;
    now.transferring = transferring_;
    now.gpu_time = scaler_.gpu_time(last_event_);
    now.replicas_started = scaler_.started();
    now.replicas_stopped = scaler_.stopped();
    for (std::size_t i = 0; i < replicas_.size(); ++i) {
        const ReplicaState& replica = replicas_[i];
        now.waiting += replica.queued();
        now.running += static_cast<std::int64_t>(replica.running.size());
        now.kv_blocks_used += replica.kv.used();
        now.kv_blocks_cached += replica.kv.cached();
        if (replica.kv.cache() != nullptr) {
            now.cache += replica.kv.cache()->counters();
            now.host_blocks_used += replica.kv.cache()->host().used_blocks();
        }
        now.last_batch_sequences = std::max(now.last_batch_sequences, runtimes_[i].last_sequences);
    }
    return now;
}

}  // namespace replayd
