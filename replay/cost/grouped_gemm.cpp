#include "replay/cost/grouped_gemm.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace replayd::cost {
namespace {

// Fitted on DeepGEMM's published table, the bf16 share measured: see grouped_gemm.hpp.
constexpr double k_fixed_us = 1.15;
constexpr double k_tile_us = 0.95;
constexpr double k_fp8_share = 0.668;
constexpr double k_bf16_share = 0.75;
constexpr double k_power = 1.457;
/// Operands through L2 and shared memory, all 132 SMs of a Hopper GPU together; fitted with the others.
constexpr double k_operand_bytes_per_us = 1.94e7;
constexpr double k_operand_sms = 132;
/// Widths that DeepGEMM's heuristics try (sm90.hpp at 54e2261).
constexpr int k_width_step = 16;
constexpr int k_width_max = 256;
/// A tile of 128 rows is at most so wide, for its accumulators.
constexpr int k_width_max_128 = 192;

double tile_us(const Hardware& hardware, const GroupedGemm& gemm, double height, double width) {
    const bool eight_bit = gemm.input_bytes == 1;
    const double peak = eight_bit ? hardware.fp8_flops_per_us : hardware.bf16_flops_per_us;
    const double share = eight_bit ? k_fp8_share : k_bf16_share;
    const double math = 2 * height * width * gemm.k / (peak * share / hardware.sms);
    const double operands = (height + width) * gemm.k * gemm.input_bytes / (k_operand_bytes_per_us / k_operand_sms);
    return std::max(math, operands) + k_tile_us;
}

double compute_us(const Hardware& hardware, const GroupedGemm& gemm, double row_blocks, int height, int width_max) {
    double best = std::numeric_limits<double>::infinity();
    if (row_blocks <= 0) return best;
    for (int width = k_width_step; width <= width_max; width += k_width_step) {
        const double tiles = row_blocks * std::ceil(gemm.n / width);
        const double waves = std::max(1.0, std::ceil(tiles / hardware.sms - 1e-9));
        best = std::min(best, waves * tile_us(hardware, gemm, height, width));
    }
    return best;
}

}  // namespace

double grouped_gemm_us(const Hardware& hardware, const GroupedGemm& gemm) {
    const double compute = std::min(compute_us(hardware, gemm, gemm.blocks_of_64, 64, k_width_max),
                                    compute_us(hardware, gemm, gemm.blocks_of_128, 128, k_width_max_128));
    const double bytes = gemm.weight_bytes * gemm.active * gemm.k * gemm.n +
                         gemm.rows * (gemm.input_bytes * gemm.k + 2 * gemm.n);
    const double memory = bytes / (hardware.hbm_bytes_per_us * hardware.hbm_share);
    return k_fixed_us + std::pow(std::pow(compute, k_power) + std::pow(memory, k_power), 1 / k_power);
}

}  // namespace replayd::cost
