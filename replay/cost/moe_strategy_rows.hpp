#pragma once
// The table of MoE strategies, and what a query lacks for a row of it.

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "replay/cost/moe_strategy.hpp"

namespace replayd::cost {

/// A strategy and what it asks for.
struct MoeStrategyRow {
    std::string_view name;
    bool automatic = true;  ///< considered where no row is named
    MoeQuant quant = MoeQuant::none;
    MoeRouter router = MoeRouter::pure_tensor;
    MoeExecutor executor = MoeExecutor::fused;
    int executor_priority = 0;
    int architecture = 0;    ///< at least
    bool no_graphs = false;  ///< the host must know the counts of rows
    bool pure_data = false;  ///< tensor = 1, data > 1, expert = data
    bool pure_context = false;
};

/// The row of vLLM's own fused kernels, which `MoeBackend::fused` stands for.
inline constexpr std::string_view k_fused_row = "vllm_fused";

/// Source of rows and priorities: alibaba/rtp-llm at 4b8d39cd, modules/factory/fused_moe; the last row is our own.
inline constexpr std::array<MoeStrategyRow, 21> k_moe_strategy_rows = [] {
    using enum MoeRouter;
    using enum MoeExecutor;
    using enum MoeQuant;
    constexpr int k_hopper = 90;
    return std::array<MoeStrategyRow, 21>{{
        {"no_auant_ep_low_latency", true, none, deepep_low_latency, deepgemm_masked, 2, k_hopper},
        {"no_auant_dp_normal", true, none, deepep_normal, fused, 2, k_hopper},
        {"no_auant_cpp", true, none, pure_tensor, fused, 2},
        {"no_quant_dp_normal_deepgemm", false, none, deepep_normal, deepgemm_hybrid, 2, k_hopper, true},
        {"fp8_per_block_no_dp", true, fp8_block, pure_tensor, deepgemm_hybrid, 1, k_hopper, true},
        {"fp8_per_block_no_dp_masked", false, fp8_block, pure_tensor, deepgemm_masked, 2, k_hopper},
        {"fp8_per_block_pure_dp", false, fp8_block, gathered, deepgemm_masked, 2, k_hopper, true, true},
        {"fp8_per_block_pure_cp", false, fp8_block, gathered, deepgemm_hybrid, 1, k_hopper, true, false, true},
        {"fp8_per_block_ep_low_latency", true, fp8_block, deepep_low_latency, deepgemm_masked, 2, k_hopper},
        {"fp8_per_block_ep_normal", true, fp8_block, deepep_normal, deepgemm_hybrid, 1, k_hopper, true},
        {"fp8_per_tensor_no_dp", true, fp8_tensor, pure_tensor, cutlass, 3},
        {"fp8_per_tensor_ep_low_latency", true, fp8_tensor, deepep_low_latency, cutlass, 4, k_hopper},
        {"fp8_per_tensor_ep_normal", true, fp8_tensor, deepep_normal, cutlass, 3, k_hopper},
        {"w4a8_int4_per_channel_no_dp", true, int4_fp8, pure_tensor, cutlass, 5},
        {"w4a8_int4_per_channel_ep_low_latency", true, int4_fp8, deepep_low_latency, cutlass, 6, k_hopper},
        {"w4a8_int4_per_channel_ep_normal", true, int4_fp8, deepep_normal, cutlass, 5, k_hopper},
        {"fp4_no_dp", true, fp4, pure_tensor, trtllm, 7},
        {"fp4_ep_low_latency", true, fp4, deepep_low_latency, cutedsl_masked, 8, k_hopper},
        {"fp4_ep_normal", true, fp4, deepep_normal, trtllm, 7, k_hopper},
        {"batched_triton", true, none, batched, batched_triton, 0},
        {k_fused_row, false, none, pure_tensor, fused, 0},
    }};
}();

/// The first need of the row's router that the query does not meet, as "KEY is VALUE: what is needed"; nothing where
/// all are met.
[[nodiscard]] std::optional<std::string> unmet_router_need(const MoeStrategyRow& row, const MoeStrategyQuery& query);
/// The same for all needs of the row: weights, router, GPU, graphs, parallelism.
[[nodiscard]] std::optional<std::string> unmet_need(const MoeStrategyRow& row, const MoeStrategyQuery& query);

}  // namespace replayd::cost
