#pragma once
// Grouped products of routed rows with their experts' weights, as DeepGEMM runs them: persistent tiles over the row
// blocks of all experts.

#include <cstdint>

#include "replay/cost/laws/hardware.hpp"

namespace replayd::cost {

/// [rows, k] × [k, n] for each expert.
struct GroupedGemm {
    double rows = 0;           ///< routed rows of the rank
    double blocks_of_64 = 0;   ///< Σ over experts of rows rounded up to 64, divided by 64; 0: the kernel has no such
                               ///< tiles
    double blocks_of_128 = 0;  ///< the same for 128
    double active = 1;         ///< experts with rows, whose weights are read
    double k = 0;
    double n = 0;
    double weight_bytes = 1;   ///< per element
    double input_bytes = 1;    ///< per element; 1 multiplies on the fp8 tensor cores, 2 on the bf16 ones
};

/// Microseconds: t0 + ((waves × tile)^p + (bytes / bandwidth)^p)^(1/p). A tile of BM × BN takes what its FLOPs take on
/// one SM, or its operands through L2 if longer, and a fixed time; of BM 64 or 128 and BN in steps of 16 the fastest is
/// chosen, as DeepGEMM's heuristics aim to (sm90.hpp at 54e2261). Fitted on the 28 fp8 figures of DeepGEMM's README of
/// 2025-03-25 (commit 8002b76, H800): all within 15 %. bf16 takes the same constants with 0.75 of its peak, what
/// CUTLASS's grouped products reach on our H100 (profile/measurements/h100_sxm/grouped_gemm.csv).
[[nodiscard]] double grouped_gemm_us(const Hardware& hardware, const GroupedGemm& gemm);

}  // namespace replayd::cost
