#pragma once
// How the rows of a MoE layer fall on the experts of the slowest expert-parallel rank, for the two kinds of
// routing that the public tables were taken with.

#include <array>
#include <cstdint>

namespace replayd::cost {

/// Row blocks of the grouped GEMM kernels: 16 and 64 as vLLM's Triton configurations have them, 128 as CUTLASS and
/// DeepGEMM.
inline constexpr std::array<double, 3> k_expert_blocks = {16, 64, 128};

struct ExpertSpread {
    double rows = 0;          ///< routed rows of the rank
    double active = 0;        ///< its experts with at least one row
    double largest = 0;       ///< rows of its busiest expert
    std::array<double, k_expert_blocks.size()> padded{};  ///< rows with every expert's filled up to the block
};

/// `exponent` 0: rows are dealt out evenly. Above 0: the experts' loads follow a density x^-exponent between 1
/// and 0.8 × tokens (the law of aiconfigurator's collector, which measures the busiest rank): taken at evenly
/// spaced quantiles and dealt to ranks in a few fixed shuffles, over which the busiest rank is averaged.
/// All counts ≥ 1; `ranks` ≤ `experts`; O(experts).
[[nodiscard]] ExpertSpread expert_spread(double tokens, double top_k, double experts, double ranks, double exponent);

}  // namespace replayd::cost
