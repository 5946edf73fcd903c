#pragma once
// The fitted laws of one pool: its GPU, its precision, under the framework that the engine's batching follows.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "replay/catalog/scenario.hpp"
#include "replay/cost/grouped_gemm.hpp"
#include "replay/cost/laws/law_choice.hpp"
#include "replay/cost/operator.hpp"
#include "replay/cost/row_curve.hpp"

namespace replayd::cost {

/// A law turned into a curve over one field of the step.
struct PricedCurve {
    RowCurve curve;
    std::string provenance;
};

/// A law as a function of rows, for what is made of it.
struct PricedRows {
    std::function<double(double rows)> us;
    std::string provenance;
};

/// A kernel's time as fixed + per_a × a + per_b × b, in nanoseconds.
struct PricedPlane {
    double fixed_ns = 0;
    double per_a_ns = 0;
    double per_b_ns = 0;
    std::string provenance;
};

/// Heads of one rank of a grouped-query attention.
struct HeadCounts {
    std::int64_t query = 0;
    std::int64_t kv = 0;
    std::int64_t dim = 0;
};

/// Keeps each law once it was read. Not thread-safe; made anew for every composition.
class PoolLaws {
public:
    /// A checkpoint that is fp8 itself has a scale per block of 128 (DeepSeek-V3); one that is made so on
    /// loading has one per tensor.
    PoolLaws(const ModelSpec& model, const PoolSpec& pool);

    /// [rows, k] × [k, n] in that precision; nothing for precisions without a table (int8, int4) and for fp8 on
    /// GPUs that multiply in bf16.
    [[nodiscard]] std::optional<PricedCurve> gemm(DataType type, std::int64_t k, std::int64_t n);
    /// Where the constants of efficiency.hpp that say "measured" come from, and the GPU that they are scaled to.
    [[nodiscard]] std::string own_constants() const;
    /// Time to move so many bytes, in L2 where they fit there.
    [[nodiscard]] double moved_us(double bytes) const;
    /// grouped_gemm.hpp on this GPU, slowed as sustained_us says.
    [[nodiscard]] double grouped_gemm_us(const GroupedGemm& gemm) const;
    /// NCCL over 2 to 8 GPUs of a node; `kernel` as in the public tables, e.g. "all_gather/NCCL". `elements_per_row`
    /// bf16 elements of the whole buffer per row. Nothing for more GPUs.
    [[nodiscard]] std::optional<PricedCurve> collective(std::string_view kernel, std::int64_t gpus,
                                                        double elements_per_row);
    /// Dispatch in fp8 and combine in bf16 together, inside one node, over tokens of a GPU. `sms`: of the normal mode.
    [[nodiscard]] PricedRows deepep(bool low_latency, const MoeSpec& moe, std::int64_t hidden, std::int64_t sms);
    /// Gated delta net of a rank: prefill over a = tokens, b = sequences; decode over sequences.
    [[nodiscard]] PricedPlane delta_net_prefill(const LinearAttentionSpec& linear, std::int64_t tensor,
                                                std::int64_t hidden);
    [[nodiscard]] PricedCurve delta_net_decode(const LinearAttentionSpec& linear, std::int64_t tensor,
                                               std::int64_t hidden);
    /// A kernel that moves `bytes_per_row`, in L2 where it fits there.
    [[nodiscard]] PricedCurve elementwise(double bytes_per_row) const;
    /// One-shot all-reduce of `hidden` bf16 elements per row over 2 to 8 GPUs of a node.
    [[nodiscard]] PricedCurve all_reduce(std::int64_t gpus, std::int64_t hidden);
    /// Both batched products of absorbed latent attention, over sequences.
    [[nodiscard]] PricedCurve absorbed_products(std::int64_t heads);
    /// The routed experts of a rank, over rows; `load` says how many of them the slowest rank gets. With
    /// `exchanged` it holds only those (after an all-to-all), else the rows of every rank. Nothing for precisions
    /// without a table.
    [[nodiscard]] std::optional<PricedCurve> experts(DataType type, const MoeSpec& moe, std::int64_t hidden,
                                                     std::int64_t slices, std::int64_t ranks, bool exchanged,
                                                     const ExpertLoad& load);
    /// Prefill attention: a = query-key pairs, b = tokens.
    [[nodiscard]] PricedPlane prefill(const HeadCounts& heads, DataType kv);
    /// Decode attention: a = tokens of context, b = sequences.
    [[nodiscard]] PricedPlane decode(const HeadCounts& heads, DataType kv);
    /// Whether decodes beside prompts run in FlashAttention 2's blocks of query rows: vLLM takes it where neither
    /// version 3 (SM 90) nor FlashInfer's kernels (SM 100) are built for the GPU, and its cache is bf16 (v0.19,
    /// vllm/v1/attention/backends/fa_utils.py and vllm/platforms/cuda.py).
    [[nodiscard]] bool decodes_in_query_blocks(DataType kv) const;
    /// The same for latent attention of DeepSeek-V3's widths.
    [[nodiscard]] PricedPlane latent_prefill(std::int64_t heads, DataType kv);
    [[nodiscard]] PricedPlane latent_decode(std::int64_t heads, DataType kv);

private:
    [[nodiscard]] const ChosenLaw& law(std::string_view table, std::string_view backend);
    [[nodiscard]] std::string_view bf16_gemm_backend() const;

    Hardware hardware_;
    bool has_fp8_;
    bool has_block_scales_;
    std::map<std::string, ChosenLaw, std::less<>> laws_;
};

}  // namespace replayd::cost
