#pragma once
// Time of fp8 products, dense and grouped by expert, as DeepGEMM's kernels run them on Hopper. Rows come quantised.

#include <cmath>

#include "replay/catalog/gpu_spec.hpp"

namespace replayd::afd {

/// Rows of one tile: DeepGEMM computes an expert's rows in blocks of 64 (deepseek-ai/DeepGEMM, sm90 heuristics).
inline constexpr double k_gemm_tile_rows = 64;

/// Law t0 + sqrt((FLOPs / P)² + (bytes / W)²), laid through the 28 rows that DeepGEMM's README publishes for H800
/// (dense, grouped contiguous and grouped masked; commit 8002b76): mean error 7.6 %. P and W scale with the GPU's
/// rates.
struct DeepGemmLaw {
    static constexpr double k_fixed_us = 2.5;
    static constexpr double k_h800_flops = 1.30e15;  ///< of a peak of 1.98e15
    static constexpr double k_h800_bytes = 3.0e12;   ///< of a peak of 3.35e12
    static constexpr double k_h800_peak_flops = 1.98e15;
    static constexpr double k_h800_peak_bytes = 3.35e12;

    double flops_per_us = 0;
    double bytes_per_us = 0;

    explicit DeepGemmLaw(const GpuSpec& gpu)
        : flops_per_us(gpu.fp8_flops * k_h800_flops / k_h800_peak_flops * 1e-6),
          bytes_per_us(gpu.hbm_bytes_per_s * k_h800_bytes / k_h800_peak_bytes * 1e-6) {}

    /// `rows` routed rows in all, over `active` ≥ 0 experts with at least one, each times [k, n]: weights read once per
    /// active expert, bf16 results. Computed are full tiles: on average half a tile more than an expert has rows.
    [[nodiscard]] double grouped_us(double rows, double active, double k, double n) const {
        return us(rows, rows + active * k_gemm_tile_rows / 2, active * k * n, k, n);
    }

    /// [rows, k] × [k, n].
    [[nodiscard]] double dense_us(double rows, double k, double n) const { return us(rows, rows, k * n, k, n); }

private:
    [[nodiscard]] double us(double rows, double computed, double weights, double k, double n) const {
        if (rows <= 0) return 0;
        const double compute_us = 2 * computed * k * n / flops_per_us;
        const double memory_us = (weights + rows * k + 2 * rows * n) / bytes_per_us;
        return k_fixed_us + std::sqrt(compute_us * compute_us + memory_us * memory_us);
    }
};

}  // namespace replayd::afd
