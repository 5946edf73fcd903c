#pragma once
// Which kernels a MoE layer runs: how tokens travel to experts (router), who multiplies them (executor), and how rows
// lie in memory (layout rule). Pure: the answer depends on the query alone.
//
// The rows are those of alibaba/rtp-llm at 4b8d39cd (rtp_llm/models_py/modules/factory/fused_moe) and, for bf16 on
// DeepGEMM, of its pull request 1111; among those whose needs are all met the one with the highest priority
// 10 × router + executor wins. `MoeBackend::fused`, the default, is none of them: it stands for vLLM's own fused
// kernels, which take every combination.

#include <cstdint>
#include <string>
#include <string_view>

#include "replay/base/error.hpp"
#include "replay/catalog/scenario.hpp"

namespace replayd::cost {

/// Numbers are the router's part of the priority.
enum class MoeRouter {
    batched = 0,             ///< every GPU holds every token; rows are copied expert by expert
    deepep_normal = 2,
    deepep_low_latency = 4,
    pure_tensor = 5,         ///< every GPU of the group holds every token; one all-reduce adds the results up
    gathered = 6,            ///< all-gather of tokens, reduce-scatter of results; priority of pure_tensor
};

enum class MoeExecutor {
    fused,             ///< vLLM's or rtp-llm's fused Triton kernels over sorted rows
    batched_triton,
    deepgemm_masked,
    deepgemm_hybrid,   ///< masked up to a threshold of received tokens, contiguous beyond
    cutlass,           ///< contiguous rows
    trtllm,
    cutedsl_masked,
};

enum class MoeLayoutRule {
    sorted,      ///< rows sorted by expert, blocks of the kernel's own choice
    masked,      ///< one block of rows per local expert, only the filled ones are computed
    hybrid,      ///< masked up to RuntimeSpec::masked_tokens_max received tokens, contiguous beyond
    contiguous,  ///< experts one after another, each rounded up to 128 rows
};

/// How the routed experts are quantised.
enum class MoeQuant {
    none,
    fp8_block,   ///< weights with a scale per 128 × 128 block
    fp8_tensor,
    int4_fp8,    ///< int4 weights, fp8 activations (W4A8)
    fp4,         ///< modelopt fp4; no scenario has it, the table does
    int8,        ///< no row takes it
};

/// Everything that the choice depends on.
struct MoeStrategyQuery {
    MoeQuant quant = MoeQuant::none;
    int architecture = 90;      ///< SM version of the GPU
    /// Whether steps of the pool are replayed from captured graphs; prefill pools never are.
    bool cuda_graphs = false;
    std::int64_t tensor = 1;
    std::int64_t data = 1;
    std::int64_t expert = 1;
    bool context_parallel = false;  ///< prefill context parallelism; no scenario has it, the table does
    MoeBackend backend = MoeBackend::fused;
    std::string name = {};      ///< of a row; empty: the one that fits best
};

struct MoeStrategy {
    std::string_view name;
    MoeRouter router = MoeRouter::pure_tensor;
    MoeExecutor executor = MoeExecutor::fused;
    MoeLayoutRule layout = MoeLayoutRule::sorted;
    std::int64_t priority = 0;
    std::string router_reason;
    std::string executor_reason;
    std::string layout_reason;

    /// "NAME: router (why), executor (why), layout (why)".
    [[nodiscard]] std::string text() const;
};

/// Error `invalid_argument` names the key at fault, its value, what was expected and the remedy: no row fits, the named
/// one does not, or there is none of that name.
[[nodiscard]] Result<MoeStrategy> choose_moe_strategy(const MoeStrategyQuery& query);

/// The query of a pool; `model` has experts.
[[nodiscard]] MoeStrategyQuery moe_strategy_query(const ModelSpec& model, const PoolSpec& pool);

}  // namespace replayd::cost
