#pragma once
// A scenario: one what-if cluster, with every choice explicit. Parsed from TOML by scenario_toml.hpp;
// a Scenario value that came from there has been validated.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/units.hpp"
#include "replay/catalog/afd_spec.hpp"
#include "replay/catalog/autoscale_spec.hpp"
#include "replay/catalog/calibration_spec.hpp"
#include "replay/catalog/drift_spec.hpp"
#include "replay/catalog/gpu_spec.hpp"
#include "replay/catalog/model_spec.hpp"
#include "replay/catalog/moe_routing.hpp"
#include "replay/catalog/speculation_spec.hpp"
#include "replay/catalog/speculation_spec.hpp"

namespace replayd {

namespace cost {
struct StepProfile;  // replay/cost/tables/step_profile.hpp
}

enum class PoolRole { mixed, prefill, decode };

struct ParallelSpec {
    std::int64_t tensor = 1;    ///< TP: GPUs that share each matrix
    std::int64_t pipeline = 1;  ///< PP: stages
    std::int64_t data = 1;      ///< DP attention: scheduler ranks of one replica that share its experts
    std::int64_t expert = 1;    ///< EP: ranks over which whole experts are spread; 1 or a divisor of tensor × data
    std::int64_t redundant_experts = 0;  ///< copies of experts beside the model's own, over all expert ranks

    /// GPUs of one replica: tensor × pipeline × data.
    [[nodiscard]] std::int64_t gpus() const { return tensor * pipeline * data; }
};

enum class BatchPolicyKind {
    vllm_v1,             ///< one token budget per step, running first, chunked prefill (vLLM's V1 scheduler)
    vllm,                ///< prefill-only batches first, padded token limit (vLLM V0 as vidur models it)
    sarathi,             ///< decodes first, then chunks up to the budget (vidur's Sarathi)
    orca,                ///< whole prompts beside decodes, every request reserves the full context
    faster_transformer,  ///< static batches: nobody joins until all have finished
    lightllm,            ///< token-level KV, admission by the peak of what may be needed
};

/// In which order the requests of a replica wait to be admitted. Those whose KV is on the replica already go first in
/// any.
enum class QueueOrder {
    fcfs,             ///< first come first served; a preempted request goes to the front
    priority,         ///< by the priority of the SLO class, then by arrival, also after a preemption (vLLM's priority
                      ///< policy)
    shortest_prompt,  ///< fewest tokens to compute (of all its context, cached or not), then by arrival. Nothing ages:
                      ///< a long prompt waits as long as shorter ones keep coming
};

struct BatchingSpec {
    BatchPolicyKind policy = BatchPolicyKind::vllm_v1;
    QueueOrder queue = QueueOrder::fcfs;
    Tokens max_batched_tokens{8192};  ///< token budget of one step
    std::int64_t max_sequences = 256; ///< running requests at most
    bool chunked_prefill = true;
    Tokens long_prefill_threshold{0}; ///< cap on one prefill chunk; 0: none
    /// vllm_v1 with one pipeline stage: the next step is decided when the one under way begins (vLLM's asynchronous
    /// scheduling).
    bool asynchronous = false;
    bool reserve_full_prompt = true;  ///< vllm_v1: admission needs free blocks for the whole prompt, not for its first
                                      ///< chunk
    double watermark = 0.01;          ///< vllm, sarathi: share of blocks that admission leaves free
};

/// Which unused block of the prefix cache goes first.
enum class EvictionKind {
    least_recently_freed,  ///< the one that its last user left first: vLLM's free queue
    lru,                   ///< the one whose last hit or computation is longest ago
};

struct KvSpec {
    Tokens block{16};                        ///< tokens per KV block
    double memory_fraction = 0.9;            ///< share of device memory that replayd may plan with
    std::optional<std::int64_t> num_blocks;  ///< pins the block count instead of the memory plan
    DataType dtype = DataType::bf16;
    bool flashmla = false;  ///< MLA in fp8 as FlashMLA stores it: 656 bytes per token and layer instead of 576
                            ///< and its kernels, whose prefill takes query heads in 64s: fewer on a GPU are padded
    Bytes host{0};          ///< host memory per GPU for KV blocks that leave the device; 0: no host tier
    double host_bytes_per_s = 0;  ///< of one GPU's link from the host; 0: the GPU's PCIe
    Duration host_latency{0};     ///< added to every load from the host
    bool prefix_caching = false;             ///< prompts with equal leading hashes share blocks
    EvictionKind eviction = EvictionKind::least_recently_freed;
};

/// How a step moves tokens to experts, and so which buffers exist. All but the first choose kernels as alibaba/rtp-llm
/// does, see replay/cost/moe_strategy.hpp.
enum class MoeBackend {
    fused,               ///< tensor- or all-gather-style exchange, fused kernels (vLLM's default)
    tensor,              ///< no DeepEP: every GPU of the group holds every token
    deepep_normal,       ///< DeepEP normal mode, masked or contiguous grouped GEMM by the threshold
    deepep_low_latency,  ///< DeepEP low-latency mode, masked grouped GEMM in the dispatch buffer
};

[[nodiscard]] constexpr bool uses_deepep(MoeBackend backend) {
    return backend == MoeBackend::deepep_normal || backend == MoeBackend::deepep_low_latency;
}

/// What a step computes while tokens travel to their experts and back.
enum class MoeOverlap {
    none,
    shared_experts,  ///< the shared experts
    two_batch,       ///< the layers of the other half of the batch: every kernel runs once for each half
};

enum class AttentionBackend {
    flash_attention,  ///< needs no workspace
    flashinfer,       ///< FlashInfer FA2 prefill plans with a float and an int workspace
};

/// What the serving engine keeps beside weights and KV cache.
struct RuntimeSpec {
    bool cuda_graphs = true;
    std::int64_t graph_tokens_max = 512;   ///< largest captured batch
    MoeBackend moe = MoeBackend::fused;
    std::string moe_strategy;  ///< a name of moe_strategy.hpp's table; empty: the one that fits best
    std::int64_t masked_tokens_max = 256;  ///< hybrid executors: up to so many received tokens the masked layout is
                                           ///< used
    MoeOverlap moe_overlap = MoeOverlap::none;
    std::int64_t deepep_sms = 20;  ///< DeepEP normal: SMs that its kernels take from what overlaps with them (its
                                   ///< default)
    AttentionBackend attention = AttentionBackend::flash_attention;
    bool shared_workspace = true;          ///< one attention workspace for all captured graphs, not one each
    std::int64_t draft_layers = 0;         ///< multi-token-prediction layers that are loaded
};

enum class RouterKind {
    round_robin,
    random,             ///< seeded
    least_outstanding,  ///< fewest requests routed there and not left
    least_tokens,       ///< fewest tokens of such requests
    prefix_aware,       ///< smallest match_weight × prompt tokens not cached + load_weight × outstanding tokens
    session_affinity,   ///< by a hash of the conversation; requests without one go to the least outstanding
    kv_headroom,        ///< most free KV blocks, cached ones included; among equals the least outstanding
    lor,                ///< shortest waiting queue: "least outstanding" as vidur counts it, running ones left out
    vllm_balancer,      ///< vLLM's internal balancer of data-parallel ranks: least 4 × waiting + running, counted every
                        ///< 100 ms
};

struct PoolSpec {
    std::string name;
    PoolRole role = PoolRole::mixed;
    GpuSpec gpu;
    std::int64_t replicas = 1;
    ParallelSpec parallel;
    BatchingSpec batching;
    KvSpec kv;
    DataType weights = DataType::bf16;
    RouterKind router = RouterKind::least_outstanding;  ///< of a decode pool's text: kv_headroom by default
    double router_match_weight = 1.0;  ///< prefix_aware
    double router_load_weight = 1.0;   ///< prefix_aware
    Tokens max_context{0};  ///< prompt + output at most; defaults to the model's
    RuntimeSpec runtime;
    MoeRoutingSpec moe_routing;  ///< the scenario's, the same in every pool
    std::shared_ptr<const cost::StepProfile> profile;  ///< CostSource::profile: measured on this GPU
    /// Attention/FFN disaggregation: `parallel` is that of a replica's attention servers together, and its data ranks
    /// are spread over them evenly.
    std::optional<AfdSpec> afd;
    std::optional<SpeculationSpec> speculation;  ///< unset: a decode makes one token a step
    std::optional<PoolAutoscaleSpec> autoscale;  ///< `replicas` is the most; unset: it is how many there are

    /// Drafts that a decode verifies beside its own token, at most.
    [[nodiscard]] std::int64_t drafts_max() const { return speculation ? speculation->tokens : 0; }
    /// GPUs of one replica, FFN servers included.
    [[nodiscard]] std::int64_t gpus_per_replica() const { return parallel.gpus() + (afd ? afd->ffn.gpus() : 0); }
};

/// Network cards of one replica; with data-parallel attention, of one of its ranks, which has GPUs of its own.
struct NicSpec {
    std::int64_t count = 1;
    double bytes_per_s = 0;  ///< of one card, each direction
};

/// When the KV of a prompt may leave for the decode pool.
enum class TransferOverlap {
    none,       ///< when the prompt is computed
    layerwise,  ///< layer by layer, while the last chunk of the prompt is computed
};

/// The network between the prefill and the decode pool, and what goes over it.
struct TransferSpec {
    double bytes_per_s = 0;   ///< of one network card, each direction
    std::int64_t nics = 1;    ///< cards of one replica, see NicSpec
    std::optional<NicSpec> prefill;  ///< the cards of the prefill pool where they differ
    std::optional<NicSpec> decode;   ///< the cards of the decode pool where they differ
    Duration latency{0};      ///< added once per transfer
    std::optional<DataType> dtype;  ///< precision on the wire; unset: that of the KV cache
    TransferOverlap overlap = TransferOverlap::none;
    /// Conditional disaggregation: prompts of which a decode replica has at most so many tokens to compute, after what
    /// its prefix cache holds, are prefilled there and never transferred. 0: none.
    Tokens local_prefill_tokens_max{0};

    [[nodiscard]] NicSpec cards(PoolRole role) const {
        const std::optional<NicSpec>& own = role == PoolRole::decode ? decode : prefill;
        return own.value_or(NicSpec{nics, bytes_per_s});
    }
};

struct SloSpec {
    Duration ttft{0};  ///< 0: no objective
    Duration tpot{0};
};

/// A class of requests with a priority and objectives of its own; requests name theirs.
struct SloClass {
    std::string name;
    std::int64_t priority = 0;  ///< lower goes first, as in vLLM
    SloSpec slo;                ///< objectives that it does not state are those of the scenario
};

/// The class of requests that name none, or one that the scenario does not declare.
inline constexpr std::string_view k_default_slo_class = "default";

enum class CostSource {
    analytic,  ///< per-operator terms from catalog facts
    linear,    ///< step + prefill tokens + decode sequences, for exact tests
    profile,   ///< measurements that the user brings, laws for what they lack
};

/// `CostSource::linear`: duration of a step = step + prefill_token × P + decode_sequence × D, per stage.
struct LinearCostSpec {
    Duration step{0};
    Duration prefill_token{0};
    Duration decode_sequence{0};
};

struct Scenario {
    std::string name;
    std::string description;
    ModelSpec model;
    std::vector<PoolSpec> pools;  ///< one mixed pool, or one prefill and one decode pool
    TransferSpec transfer;        ///< meaningful with prefill + decode
    AutoscaleSpec autoscale;      ///< meaningful with pools that scale
    SloSpec slo;
    /// As declared; if any are, then `k_default_slo_class` is among them, last unless it was declared itself.
    std::vector<SloClass> slo_classes;
    CostSource cost = CostSource::analytic;
    LinearCostSpec linear;
    CalibrationSpec calibration;  ///< [cost.calibration]; not with [pool.afd]
    std::uint64_t seed = 0;             ///< of the random router
    Duration window{10 * k_ns_per_s};   ///< length of a statistics window in virtual time
    DriftSpec drift;                    ///< when observations that the arrivals carry contradict the predictions

    [[nodiscard]] bool disaggregated() const { return pools.size() == 2; }
};

}  // namespace replayd
