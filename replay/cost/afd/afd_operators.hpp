#pragma once
// The operators that the two roles of an AFD pool run, and what crosses the network between them.

#include <vector>

#include "replay/catalog/scenario.hpp"
#include "replay/cost/operator.hpp"

namespace replayd::afd {

/// Columns of the runs of an attention GPU's operators: once per dense layer and stage, per MoE layer and stage, and
/// per step.
enum AttentionColumn : std::size_t { k_dense_layer, k_moe_layer, k_head, k_attention_columns };

/// Columns of an FFN GPU's: gathering, computing and reducing, in a dense or an MoE layer.
enum FfnColumn : std::size_t {
    k_dense_gather,
    k_moe_gather,
    k_dense_compute,
    k_moe_compute,
    k_dense_reduce,
    k_moe_reduce,
    k_ffn_columns
};

/// Projections, core attention, norms, router, quantisation for the wire and the sum of the FFN servers' partial
/// results; embedding, head and sampling are in k_head. `pool.afd` is set. Runs are per column, for the rows of one
/// scheduler rank.
[[nodiscard]] std::vector<cost::OperatorSpec> attention_operators(const ModelSpec& model, const PoolSpec& pool);

/// All-gather inside a server, dense FFN, routed and shared experts, reduce-scatter. The rows are those of all
/// attention servers of a stage; every FFN server gets all of them. Dense layers and shared experts are cut over all
/// FFN GPUs, experts over `tensor` of each of `expert` ranks, and the slowest rank counts (ExpertLoad).
[[nodiscard]] std::vector<cost::OperatorSpec> ffn_operators(const ModelSpec& model, const PoolSpec& pool);

/// Bytes of one row to the FFN servers: hidden values in the wire's precision, fp8 with an fp32 scale per 128, and per
/// chosen expert an id and a weight of 4 bytes each.
[[nodiscard]] double forward_row_bytes(const ModelSpec& model, const AfdSpec& afd);

/// Bytes of one row back: bf16, so that residuals stay precise (Step-3 report, section 7.1).
[[nodiscard]] double return_row_bytes(const ModelSpec& model);

}  // namespace replayd::afd
