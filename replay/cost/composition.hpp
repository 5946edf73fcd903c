#pragma once
// Composition of a step: which operators a pool runs, how often on each pipeline stage, with what work.
// Split by part of the network; compose() puts the parts in execution order.

#include <cstdint>
#include <string>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/catalog/scenario.hpp"
#include "replay/cost/operator.hpp"
#include "replay/cost/pool_laws.hpp"

namespace replayd::cost {

using StageCounts = std::vector<std::int64_t>;

/// Layers per pipeline stage and kind, split as pipeline_stage() says.
struct LayerCounts {
    StageCounts all;
    StageCounts full;    ///< with a growing KV cache
    StageCounts linear;  ///< gated delta net
    StageCounts dense;
    StageCounts moe;
    StageCounts first;    ///< 1 on the first stage, else 0
    StageCounts last;     ///< 1 on the last stage, else 0
    StageCounts senders;  ///< 1 on every stage but the last
};
[[nodiscard]] LayerCounts layer_counts(const ModelSpec& model, std::int64_t stages);

/// Achievable bandwidth and latency of the link that a group of GPUs talks over, one direction per GPU.
struct Link {
    double bytes_per_s = 0;
    Duration fixed{0};
};

/// Everything that the parts of the composition read, and the list that they append to.
class Composer {
public:
    Composer(const ModelSpec& model, const PoolSpec& pool);

    void add(OperatorSpec spec) { operators_.push_back(std::move(spec)); }
    /// A projection of `k` to `n` elements for every token of `field`, in the pool's weight precision or, with
    /// `type`, in another.
    void add_gemm(std::string name, std::int64_t k, std::int64_t n, const StageCounts& counts, Field field, Field gate,
                  DataType type);
    void add_gemm(std::string name, std::int64_t k, std::int64_t n, const StageCounts& counts);
    /// A memory-bound kernel that moves `bytes_per_token` of HBM for every token of `field`.
    void add_elementwise(std::string name, double bytes_per_token, const StageCounts& counts,
                         Field field = Field::rows);
    /// Ring all-reduce of one bf16 hidden vector per token over the tensor-parallel group; nothing for one GPU.
    void add_tensor_all_reduce(std::string name, const StageCounts& counts);

    [[nodiscard]] Link link(std::int64_t group_gpus) const;
    /// What NCCL's rings reach per GPU over `group_gpus`: beyond a node every card of it carries a ring, so that the
    /// slower of NVLink and all cards of a node together counts.
    [[nodiscard]] Link collective_link(std::int64_t group_gpus) const;
    [[nodiscard]] std::size_t size() const { return operators_.size(); }
    /// Position of the first operator that tokens travel by; size() where there is none.
    [[nodiscard]] std::size_t dispatched() const;
    /// Lets the runs of the operators from `begin` to `end` on those of their layers that are among `hiding` pass while
    /// tokens travel (OperatorSpec::travel).
    void hide_behind(std::size_t begin, std::size_t end, const StageCounts& hiding, HidingStage stage);
    /// Runs the operators from `begin` to `end` once for each half of the batch.
    void halve(std::size_t begin, std::size_t end);
    /// Peak of the tensor cores that weights of `type` are multiplied on, without efficiency.
    [[nodiscard]] bool runs_in_8_bit(DataType type) const;
    [[nodiscard]] double peak_flops(DataType type) const;

    [[nodiscard]] std::vector<OperatorSpec> take() { return std::move(operators_); }

    const ModelSpec& model;
    const PoolSpec& pool;
    const LayerCounts layers;
    PoolLaws laws;

private:
    std::vector<OperatorSpec> operators_;
};

/// Of an fp8 vector, which carries one fp32 scale per 128 elements (DeepEP's test programs, DeepSeek-V3's
/// quantisation).
inline constexpr double k_fp8_bytes_with_scale = 1 + 4.0 / 128;
/// Of a collective between data-parallel ranks inside a MoE layer, see efficiency.hpp.
[[nodiscard]] Duration exchange_entry(const GpuSpec& gpu);
/// Bytes of one element; 0.5 for int4.
[[nodiscard]] double element_bytes(DataType type);

void add_attention(Composer& composer);         ///< full attention: grouped-query or latent
void add_linear_attention(Composer& composer);  ///< gated delta net layers
void add_dense_feed_forward(Composer& composer);
void add_expert_feed_forward(Composer& composer);

/// All operators of a step of `pool`, in execution order. `model` and `pool` have passed check_support.
[[nodiscard]] std::vector<OperatorSpec> compose(const ModelSpec& model, const PoolSpec& pool);

/// Error `invalid_argument` names the pool, the field, its value and what the operators can do.
[[nodiscard]] Result<void> check_support(const ModelSpec& model, const PoolSpec& pool);

}  // namespace replayd::cost
