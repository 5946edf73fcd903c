// A run that goes on under another scenario. Batches in flight keep their planned end and are accounted for
// under the scenario that launched them.

#include "replay/sim/engine.hpp"

namespace replayd {
namespace {

tl::unexpected<Error> fixed(const std::string& pool, const char* what, std::int64_t now, std::int64_t then) {
    return fail(Code::invalid_argument, "pool " + pool + ": " + what + " is " + std::to_string(now) +
                                            " in the run and " + std::to_string(then) +
                                            " in the changed scenario: expected the same");
}

tl::unexpected<Error> differs(const std::string& pool, const char* what) {
    return fail(Code::invalid_argument, "pool " + pool + ": expected the same " + what + " in the changed scenario");
}

/// What the state of a pool's replicas is laid out for cannot change under it.
Result<void> check_same(const PoolSpec& now, const PoolSpec& then) {
    const std::string& name = now.name;
    if (now.role != then.role) return differs(name, "role");
    const std::int64_t ranks_now = now.replicas * now.parallel.data;
    const std::int64_t ranks_then = then.replicas * then.parallel.data;
    if (ranks_now != ranks_then) return fixed(name, "replicas x data", ranks_now, ranks_then);
    if (now.parallel.data != then.parallel.data) return fixed(name, "data", now.parallel.data, then.parallel.data);
    if (now.autoscale != then.autoscale) return differs(name, "autoscale");
    if (now.afd.has_value() != then.afd.has_value()) {
        return fail(Code::invalid_argument, "pool " + name + ": expected [pool.afd] in both scenarios or in neither");
    }
    if (now.batching.policy != then.batching.policy) return differs(name, "batch policy");
    if (now.speculation != then.speculation) return differs(name, "speculation");
    if (now.batching.asynchronous != then.batching.asynchronous) return differs(name, "asynchronous");
    if (now.parallel.pipeline != then.parallel.pipeline) {
        return fixed(name, "pipeline", now.parallel.pipeline, then.parallel.pipeline);
    }
    if (now.kv.block != then.kv.block) return fixed(name, "block_tokens", now.kv.block.value, then.kv.block.value);
    if (now.kv.prefix_caching != then.kv.prefix_caching || now.kv.eviction != then.kv.eviction) {
        return differs(name, "prefix cache");
    }
    return {};
}

}  // namespace

Result<void> Run::Impl::check_adoptable(const CompiledScenario& changed) const {
    const std::vector<PoolSpec>& now = compiled_->scenario.pools;
    const std::vector<PoolSpec>& then = changed.scenario.pools;
    if (now.size() != then.size()) {
        return fail(Code::invalid_argument, "the run has " + std::to_string(now.size()) +
                                                " pools and the changed scenario " + std::to_string(then.size()) +
                                                ": expected the same number");
    }
    if (compiled_->scenario.window != changed.scenario.window) {
        return fail(Code::invalid_argument, "window: expected the same length in the changed scenario");
    }
    if (compiled_->scenario.autoscale != changed.scenario.autoscale) {
        return fail(Code::invalid_argument, "autoscale: expected the same in the changed scenario");
    }
    if (!windows_.classes().same_names(SloClasses(changed.scenario))) {
        return fail(Code::invalid_argument, "slo_class: expected the same names in the changed scenario");
    }
    for (std::size_t pool = 0; pool < now.size(); ++pool) {
        if (auto same = check_same(now[pool], then[pool]); !same) return same;
        const std::string& name = now[pool].name;
        const std::int64_t state_now = replicas_[pool_begin_[pool]].state_blocks;
        if (const std::int64_t state_then = state_blocks(changed.plans[pool]); state_now != state_then) {
            return fixed(name, "KV blocks of a request's fixed state", state_now, state_then);
        }
        for (std::size_t i = pool_begin_[pool]; i < pool_begin_[pool + 1]; ++i) {
            if (replicas_[i].kv.used() > changed.plans[pool].blocks) {
                return fail(Code::invalid_argument,
                            "pool " + name + ": replica " + std::to_string(i) + " uses " +
                                std::to_string(replicas_[i].kv.used()) + " KV blocks and the changed scenario has " +
                                std::to_string(changed.plans[pool].blocks) + ": expected at least as many");
            }
        }
    }
    return check_requests_fit(changed);
}

Result<void> Run::Impl::check_requests_fit(const CompiledScenario& changed) const {
    const std::vector<PoolSpec>& pools = changed.scenario.pools;
    for (std::size_t pool = 0; pool < pools.size(); ++pool) {
        const auto policy = make_batch_policy(pools[pool], changed.plans[pool].blocks);
        const ReplicaState empty{.pool = pool,
                                 .kv = BlockPool(changed.plans[pool].blocks, pools[pool].kv.block),
                                 .state_blocks = state_blocks(changed.plans[pool])};
        for (std::size_t slot = 0; slot < requests_.slots(); ++slot) {
            const RequestState& request = requests_[static_cast<RequestSlot>(slot)];
            if (request.ended()) continue;  // a free slot
            const bool prefills = pools[pool].role == PoolRole::prefill;
            if (prefills && request.generated > 0) continue;
            if (pools[pool].role == PoolRole::decode && request.output == 1) continue;
            const std::int64_t kept = prefills ? request.prompt : request.prompt + request.output - 1;
            if (std::string refused = policy->refusal(empty, request.prompt, kept); !refused.empty()) {
                return fail(Code::invalid_argument, "pool " + pools[pool].name + ": request " +
                                                        requests_.arrival(static_cast<RequestSlot>(slot)).id +
                                                        " of the run: " + refused + " in the changed scenario");
            }
        }
    }
    return {};
}

void Run::Impl::settle_for_change(std::int32_t index) {
    interrupt(index);
    ReplicaState& replica = replicas_[static_cast<std::size_t>(index)];
    list_decodes(replica);
    BatchQueue& in_flight = runtimes_[static_cast<std::size_t>(index)].in_flight;
    for (std::size_t i = 0; i < in_flight.size(); ++i) {
        // It may be under way since before an earlier change.
        if (!in_flight[i].launched_under) in_flight[i].launched_under = compiled_->costs[replica.pool];
    }
    // Members of a batch in flight are settled when it ends; the others have their last step behind them.
    for (const RequestSlot slot : replica.running) {
        RequestState& request = requests_[slot];
        if (!request.in_decode_segment || request.in_flight) continue;
        close_decode_segment(solo_[replica.pool], request, request.computed);
        request.begin_decode_segment(runtime_of(request).additions);
    }
}

Result<void> Run::Impl::adopt(std::shared_ptr<const CompiledScenario> changed) {
    for (const ReplicaState& replica : replicas_) sync_blocks(replica.index, now_);
    if (auto adoptable = check_adoptable(*changed); !adoptable) return adoptable;
    for (const ReplicaState& replica : replicas_) settle_for_change(replica.index);
    const Scenario& before = compiled_->scenario;
    windows_.change(SloClasses(changed->scenario));
    for (std::size_t slot = 0; slot < requests_.slots(); ++slot) {
        const RequestSlot each = static_cast<RequestSlot>(slot);
        if (!requests_[each].ended()) classify(each);
    }
    for (std::size_t pool = 0; pool < before.pools.size(); ++pool) {
        const PoolSpec& spec = changed->scenario.pools[pool];
        policies_[pool] = make_batch_policy(spec, changed->plans[pool].blocks);
        const PoolSpec& was = before.pools[pool];
        if (spec.router != was.router || spec.router_match_weight != was.router_match_weight ||
            spec.router_load_weight != was.router_load_weight) {
            routers_[pool] = Router(spec, changed->scenario.seed + pool);
            tell_router(pool);
            if (spec.router == RouterKind::vllm_balancer) next_count_ = VirtualTime(0);
        }
        solo_[pool] = SoloCost(changed->costs[pool]);
        for (ReplicaState& replica : pool_replicas(pool)) {
            replica.kv.resize_host(changed->plans[pool].host_blocks);  // first: it may take what the device evicts
            replica.kv.resize(changed->plans[pool].blocks);
            reorder_queue(replica, requests_, spec.batching.queue);
        }
    }
    for (const ReplicaState& replica : replicas_) mark_dirty(replica.index);
    if (changed->scenario.disaggregated()) network_.change_cards(cards_of(changed->scenario), now_);
    compiled_ = std::move(changed);
    count_blocks();
    return {};
}

}  // namespace replayd
