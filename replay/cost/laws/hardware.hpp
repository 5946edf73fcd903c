#pragma once
// The facts of a GPU that the laws scale with, under the system names of the public kernel tables.

#include <span>
#include <string_view>

#include "replay/catalog/gpu_spec.hpp"

namespace replayd::cost {

/// Peak rates per microsecond, so that work divided by a rate is a time in microseconds.
struct Hardware {
    std::string_view name;          ///< e.g. "h100_sxm"
    int architecture = 0;           ///< SM version: 80, 90, 100, 120
    double sms = 0;
    double hbm_bytes_per_us = 0;    ///< data sheet
    double hbm_share = 1;           ///< achievable share of it, relative to the GPU that a law was fitted on
    double l2_bytes = 0;
    double l2_bytes_per_us = 0;     ///< planning value; cancels between GPUs of one architecture
    double bf16_flops_per_us = 0;
    double fp8_flops_per_us = 0;    ///< the bf16 rate where the GPU has no fp8
    double fp4_flops_per_us = 0;    ///< the fp8 rate where the GPU has no fp4
    double link_bytes_per_us = 0;   ///< GPU to GPU inside a node, one direction
    double node_gpus = 8;           ///< GPUs of a node: DeepEP's public tables are taken inside one
    double sustained_loss = 0;      ///< see sustained_us
    double latency = 1;             ///< of loads and short kernels, relative to the other GPUs with this processor
    double compute_share = 1;       ///< achievable share of the tensor peaks, likewise
    double nvlink_gpus = 8;         ///< GPUs that reach each other without network cards: a node, or a rack of NVLink
};

/// Share of the tensor peak up to which a GPU keeps its clock for as long as it runs, measured (sustained.csv, see
/// hardware.cpp).
inline constexpr double k_free_utilisation = 0.37;

/// Kernel tables time short bursts. Under load the power limit lowers the clock of kernels that keep the tensor
/// cores busy: what took `us` in a burst, `compute_us` of it at the full peak, takes this long in a served model.
[[nodiscard]] double sustained_us(const Hardware& hardware, double us, double compute_us);

/// The systems of the public tables and some of their relatives.
[[nodiscard]] std::span<const Hardware> known_hardware();

/// nullptr where the name is unknown.
[[nodiscard]] const Hardware* find_hardware(std::string_view name);

/// The same facts for a GPU of the catalog: a known system where the names match, else what its data sheet
/// says and the L2 and architecture of the known system with the nearest compute-to-bandwidth ratio and SM count.
[[nodiscard]] Hardware hardware_of(const GpuSpec& gpu);

}  // namespace replayd::cost
