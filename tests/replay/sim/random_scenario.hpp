#pragma once
// Random scenarios and traces for properties of the engine.

#include <array>
#include <string>
#include <vector>

#include "replay/catalog/scenario_toml.hpp"
#include "tests/replay/sim/fixture.hpp"

namespace replayd::test {

inline std::int64_t between(Random& random, std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
}

/// One of vidur's policies, with a context limit that reserving policies can hold several times.
inline void choose_policy(Random& random, PoolSpec& spec) {
    spec.batching.policy = static_cast<BatchPolicyKind>(between(random, 1, 5));
    spec.batching.watermark = static_cast<double>(between(random, 0, 20)) / 100.0;
    spec.max_context = Tokens(between(random, 100, 600));
    if (spec.batching.policy != BatchPolicyKind::lightllm) return;
    spec.kv.num_blocks = *spec.kv.num_blocks * spec.kv.block.value;
    spec.kv.block = Tokens(1);
    spec.parallel.pipeline = 1;
}

/// Two classes and the one of all other requests.
inline void add_classes(Random& random, Scenario& scenario) {
    for (const char* name : {"a", "b", "default"}) {
        scenario.slo_classes.push_back(
            {name, between(random, -1, 2), {Duration(between(random, 0, 300) * k_ns_per_ms), {}}});
    }
}

/// Network cards that are or are not alike, whole or overlapped transfers, prompts that stay in the decode pool.
inline void choose_transfer(Random& random, TransferSpec& transfer) {
    transfer.nics = between(random, 1, 3);
    const auto other_cards = [&] {
        return NicSpec{between(random, 1, 4), transfer.bytes_per_s * static_cast<double>(between(random, 1, 40)) / 10};
    };
    if (random.below(3) == 0) transfer.prefill = other_cards();
    if (random.below(3) == 0) transfer.decode = other_cards();
    if (random.below(2) == 0) transfer.overlap = TransferOverlap::layerwise;
    if (random.below(3) == 0) transfer.local_prefill_tokens_max = Tokens(between(random, 1, 200));
}

/// Of 1 to 300 blocks of the tiny model, behind a link that is or is not worth waiting for.
inline void add_host_tier(Random& random, KvSpec& kv) {
    kv.host = Bytes(between(random, 1, 300) * kv.block.value * 1024);
    kv.host_bytes_per_s = static_cast<double>(between(random, 1, 100'000)) * 1e5;
    kv.host_latency = Duration(between(random, 0, 3'000'000));
}

/// Attention and FFN servers, sometimes one that falls silent or late while the trace lasts.
inline void choose_afd(Random& random, PoolSpec& spec) {
    spec.parallel.pipeline = 1;
    AfdSpec afd;
    afd.stages = between(random, 1, 4);
    afd.empty_stages = static_cast<AfdEmptyStages>(random.below(2));
    afd.connector = random.below(2) == 0 ? AfdConnector::dummy : AfdConnector::stepmesh;
    afd.latency = Duration(between(random, 0, 20'000));
    afd.ffn_overlap = random.below(2) == 0;
    afd.ffn.gpu = spec.gpu;
    afd.ffn.expert = 4;
    afd.timeout = Duration(between(random, 1, 100) * k_ns_per_ms);
    for (std::int64_t n = between(random, 0, 2); n > 0; --n) {
        const VirtualTime from(between(random, 0, 1'000) * k_ns_per_ms);
        afd.faults.push_back({AfdRole::ffn, 0, between(random, 0, spec.replicas - 1), from,
                              from + Duration(between(random, 1, 300) * k_ns_per_ms),
                              Duration(between(random, 0, 120) * k_ns_per_ms)});
    }
    spec.afd = std::move(afd);
}

/// The last pool (of all, or that decodes) by AFD: with linear costs, or priced as such with a few layers of Step-3.
inline void add_afd(Random& random, Scenario& scenario) {
    choose_afd(random, scenario.pools.back());
    scenario.model.moe = MoeSpec{.experts = 8, .top_k = 2, .ffn = 64};
    if (random.below(60) != 0) return;  // composing them takes a tenth of a second
    scenario.model = Catalog::built_in().model("Step-3").value();
    scenario.model.layers = 5;
    scenario.model.moe->first_dense_layers = 1;
    scenario.cost = CostSource::analytic;
    const GpuSpec gpu = Catalog::built_in().gpu("H100-SXM").value();
    for (PoolSpec& spec : scenario.pools) {
        spec.gpu = gpu;
        if (spec.afd) spec.afd->ffn.gpu = gpu;
    }
}

/// Replicas that come and go within the few seconds of a trace, by any rule; of like pools they are sometimes
/// exchanged.
inline void choose_autoscale(Random& random, Scenario& scenario) {
    AutoscaleSpec& times = scenario.autoscale;
    times.interval = Duration(between(random, 5, 300) * k_ns_per_ms);
    times.startup = Duration(between(random, 1, 500) * k_ns_per_ms);
    times.down_after = Duration(between(random, 0, 500) * k_ns_per_ms);
    std::int64_t scaling = 0;
    for (PoolSpec& spec : scenario.pools) {
        if (random.below(4) == 0) continue;
        ++scaling;
        spec.replicas = between(random, 1, 5);
        PoolAutoscaleSpec rule;
        rule.rule = static_cast<AutoscaleRule>(random.below(3));
        rule.target = static_cast<double>(between(random, 5, 100)) / 100;
        if (rule.rule == AutoscaleRule::queue) rule.target *= 10;
        rule.replicas_min = between(random, 1, spec.replicas);
        rule.replicas_start = between(random, rule.replicas_min, spec.replicas);
        spec.autoscale = rule;
    }
    const bool alike = scaling == 2 && scenario.pools[0].gpus_per_replica() == scenario.pools[1].gpus_per_replica();
    if (alike) times.take_over = Duration(between(random, 0, 200) * k_ns_per_ms);
}

/// In half of the pools that can, drafts that are accepted never, always or in between.
inline void choose_speculation(Random& random, PoolSpec& spec) {
    const bool can = spec.role != PoolRole::prefill && spec.batching.policy == BatchPolicyKind::vllm_v1 &&
                     !spec.batching.asynchronous && spec.parallel.pipeline == 1 && !spec.afd;
    if (!can || random.below(2) == 0) return;
    spec.speculation =
        SpeculationSpec{DraftMethod::ngram, between(random, 1, 4), static_cast<double>(between(random, 0, 10)) / 10};
}

/// Clusters from roomy to so tight that preemption, full queues and rejections occur.
inline Scenario random_scenario(Random& random) {
    Scenario scenario = random.below(2) == 0 ? mixed_scenario(between(random, 1, 4))
                                             : pd_scenario(between(random, 1, 3), between(random, 1, 3));
    for (PoolSpec& spec : scenario.pools) {
        spec.kv.num_blocks = between(random, 8, 200);
        spec.kv.block = Tokens(between(random, 1, 32));
        spec.batching.max_batched_tokens = Tokens(between(random, 16, 600));
        spec.batching.max_sequences = between(random, 2, 40);
        if (random.below(3) == 0) spec.batching.long_prefill_threshold = Tokens(between(random, 8, 100));
        spec.batching.reserve_full_prompt = random.below(2) == 0;
        if (random.below(4) == 0) spec.parallel.pipeline = 2;
        if (random.below(3) == 0) spec.parallel.data = between(random, 2, 4);
        spec.router = static_cast<RouterKind>(random.below(9));
        if (random.below(2) == 0) choose_policy(random, spec);
        spec.batching.queue = static_cast<QueueOrder>(random.below(3));
        spec.kv.prefix_caching = spec.batching.policy == BatchPolicyKind::vllm_v1 && random.below(2) == 0;
        if (spec.kv.prefix_caching && random.below(2) == 0) add_host_tier(random, spec.kv);
        spec.batching.asynchronous = random.below(2) == 0;
        spec.kv.eviction = random.below(2) == 0 ? EvictionKind::lru : EvictionKind::least_recently_freed;
    }
    if (random.below(5) == 0) add_afd(random, scenario);
    scenario.seed = random.next();
    scenario.slo = {Duration(200 * k_ns_per_ms), Duration(12 * k_ns_per_ms)};
    if (random.below(2) == 0) add_classes(random, scenario);
    scenario.window = Duration(between(random, 50, 3000) * k_ns_per_ms);
    scenario.transfer.bytes_per_s = static_cast<double>(between(random, 1, 1000)) * 1e6;
    scenario.transfer.latency = Duration(between(random, 0, 5'000'000));
    choose_transfer(random, scenario.transfer);
    if (random.below(3) == 0) choose_autoscale(random, scenario);
    for (PoolSpec& spec : scenario.pools) choose_speculation(random, spec);
    return scenario;
}

/// Hash chains that branch: few first blocks, many later ones, so that requests share prefixes of any length.
inline void add_prefixes(Random& random, std::vector<Arrival>& arrivals) {
    const std::int64_t size = between(random, 4, 64);
    for (Arrival& arrival : arrivals) {
        arrival.prefix_block = Tokens(size);
        arrival.conversation = "c" + std::to_string(random.below(6));
        std::uint64_t chain = 1;
        for (std::int64_t covered = 0; covered < arrival.prompt.value; covered += size) {
            chain = chain * 1'000'003 + random.below(2);
            arrival.prefix_hashes.push_back(chain);
        }
    }
}

inline std::vector<Arrival> random_trace(Random& random) {
    std::vector<Arrival> arrivals =
        random_arrivals(random, between(random, 1, 60), between(random, 1, 60) * k_ns_per_ms, between(random, 1, 400),
                        between(random, 1, 120));
    if (random.below(2) == 0) add_prefixes(random, arrivals);
    constexpr std::array<const char*, 4> k_classes = {"", "a", "b", "unknown"};
    for (Arrival& arrival : arrivals) arrival.slo_class = k_classes[random.below(4)];
    return arrivals;
}

}  // namespace replayd::test
