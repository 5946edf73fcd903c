#include "replay/cost/laws/hardware.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace replayd::cost {
namespace {

// Bandwidths and peaks: systems/*.yaml of ai-dynamo/aiconfigurator, which follow the vendors' data sheets;
// H800 and H20: Step-3 report (arXiv 2507.19427), table 4; RTX 4090: NVIDIA Ada white paper, appendix A. L2 sizes:
// NVIDIA architecture white papers. GPUs of a node: the same systems/*.yaml (num_gpus_per_node: 4 for GB200, 8 for the
// others). L2 rates are planning values of the order that micro-benchmarks of the H100 publish (5.5 TB/s).
// hbm_share of the H200: measured, replay/cost/profile/measurements: reads reach 0.974, writes 0.984, experts 0.98 and
// bf16 products of few rows 0.99 of the H100's share of its peak. H20: planning value of the like. RTX 4090: its laws
// are those of rtx_pro_6000_server, whose file states the Workstation Edition's 1,792 GB/s; casys-kaist/LLMServingSim
// (5daddb2, bench/examples) states 1,597 for the card, and the tables' largest rate is 1,539: a share of 1,792 is 1.122
// times that of 1,597.
// sustained_loss: slope of the time lost under load over the tensor utilisation above k_free_utilisation, measured
// (sustained.csv: products of 0.73 to 0.8 of the peak lose 10 % on an H100 and 17 % on an H200, both at 700 W). H800:
// the H100's; zero where nothing was measured.
// latency of the H200: 400 calls of FlashAttention-3 whose cache L2 holds, or that are too short for HBM to matter,
// take 1.00 to 1.06 of their time on the H100 (measurements/*/generation_attention.fa3.csv).
// GB200: data sheet, but for what B200's laws must not be scaled by. Both data sheets count with other clocks than the
// GPUs run at: B200 148 SMs at up to 1,965 MHz (its 2,250 TFLOP/s are 148 SMs at 1,857), GB200 152 SMs at up to 2,062
// (its 2,500 are 148 at 2,062); ByteDance-Seed/VeOmni #986. So bf16 is 1.077 times as fast, not 1.111: compute_share
// 0.97; the power limit of 1,200 W, not 1,000, lets long products do the same. Loads and short kernels gain the clock
// (0.953) where they wait for the SMs and L2, nothing where they wait for HBM, whose clock is the same 3,996 MHz: half
// of it (planning value). HBM: 7,680 bits of it on the B200 (pytorch/ao #4002), 7,936 to 8,064 on the GB200: 1.033 to
// 1.05, the data sheets' 1.039 lies between. B300: data sheet of HGX B300 (an eighth of 105 PFLOP/s in fp4); GB300: of
// GB300 NVL72, 152 SMs, as fast a clock as GB200. H100 PCIe and NVL, A100 PCIe, L40S, L20, L4: NVIDIA's data sheets of
// each card, dense rates, one direction of PCIe; L2 sizes of the Ada and Hopper white papers, L2 rates scaled by clock
// and SMs. nvlink_gpus: 72 of GB200 NVL72 and GB300 NVL72.
constexpr std::array<Hardware, 17> k_hardware = {{
    {"a100_sxm", 80, 108, 2.039e6, 1.0, 40e6, 4.0e6, 312e6, 312e6, 312e6, 300e3},
    {"h100_sxm", 90, 132, 3.35e6, 1.0, 50e6, 5.5e6, 989e6, 1978e6, 1978e6, 450e3, 8, 0.26},
    {"h200_sxm", 90, 132, 4.8e6, 0.98, 50e6, 5.5e6, 989e6, 1978e6, 1978e6, 450e3, 8, 0.43, 1.03},
    {"h800_sxm", 90, 132, 3.35e6, 1.0, 50e6, 5.5e6, 989e6, 1978e6, 1978e6, 200e3, 8, 0.26},
    {"h20_sxm", 90, 78, 4.0e6, 0.97, 60e6, 4.5e6, 148e6, 296e6, 296e6, 450e3},
    {"b200_sxm", 100, 148, 7.7e6, 1.0, 126e6, 10.0e6, 2250e6, 4500e6, 9000e6, 900e3},
    {"gb200", 100, 152, 8.0e6, 1.0, 126e6, 10.5e6, 2500e6, 5000e6, 10000e6, 900e3, 4, 0, 0.975, 0.97, 72},
    {"rtx_pro_6000_server", 120, 188, 1.792e6, 1.0, 128e6, 6.0e6, 467.8e6, 935.6e6, 1871.2e6, 64e3},
    {"rtx_4090", 89, 128, 1.008e6, 1.122, 72e6, 5.0e6, 165.2e6, 330.3e6, 330.3e6, 32e3},
    {"b300_sxm", 100, 148, 8.0e6, 1.0, 126e6, 10.0e6, 2250e6, 4500e6, 13125e6, 900e3},
    {"gb300", 100, 152, 8.0e6, 1.0, 126e6, 10.5e6, 2500e6, 5000e6, 15000e6, 900e3, 4, 0, 0.975, 0.97, 72},
    {"h100_pcie", 90, 114, 2.0e6, 1.0, 50e6, 4.5e6, 756e6, 1513e6, 1513e6, 64e3},
    {"h100_nvl", 90, 132, 3.9e6, 1.0, 50e6, 5.0e6, 835e6, 1671e6, 1671e6, 64e3},
    {"a100_pcie", 80, 108, 1.935e6, 1.0, 40e6, 4.0e6, 312e6, 312e6, 312e6, 32e3},
    {"l40s", 89, 142, 0.864e6, 1.0, 96e6, 5.0e6, 362e6, 733e6, 733e6, 32e3},
    {"l20", 89, 92, 0.864e6, 1.0, 96e6, 3.5e6, 119.5e6, 239e6, 239e6, 32e3},
    {"l4", 89, 58, 0.3e6, 1.0, 48e6, 2.0e6, 121e6, 242.5e6, 242.5e6, 32e3},
}};

struct CatalogName {
    std::string_view catalog;
    std::string_view system;
};
constexpr std::array<CatalogName, 8> k_catalog_names = {{
    {"A100-SXM-80GB", "a100_sxm"},
    {"H100-SXM", "h100_sxm"},
    {"H200-SXM", "h200_sxm"},
    {"H800", "h800_sxm"},
    {"H20", "h20_sxm"},
    {"B200", "b200_sxm"},
    {"RTX-PRO-6000", "rtx_pro_6000_server"},
    {"RTX-4090", "rtx_4090"},
}};

constexpr double k_per_us = 1e-6;

double distance(const GpuSpec& gpu, const Hardware& known) {
    const double ratio = gpu.bf16_flops / gpu.hbm_bytes_per_s;
    const double known_ratio = known.bf16_flops_per_us / known.hbm_bytes_per_us;
    return std::abs(std::log(ratio / known_ratio)) +
           std::abs(std::log(static_cast<double>(gpu.sm_count) / known.sms));
}

}  // namespace

double sustained_us(const Hardware& hardware, double us, double compute_us) {
    if (us <= 0) return us;
    return us * (1 + hardware.sustained_loss * std::max(0.0, compute_us / us - k_free_utilisation));
}

std::span<const Hardware> known_hardware() { return k_hardware; }

const Hardware* find_hardware(std::string_view name) {
    for (const Hardware& hardware : k_hardware) {
        if (hardware.name == name) return &hardware;
    }
    return nullptr;
}

Hardware hardware_of(const GpuSpec& gpu) {
    for (const CatalogName& entry : k_catalog_names) {
        if (entry.catalog == gpu.name) return *find_hardware(entry.system);
    }
    const Hardware* nearest = &k_hardware.front();
    double nearest_distance = std::numeric_limits<double>::infinity();
    for (const Hardware& known : k_hardware) {
        const double candidate = distance(gpu, known);
        if (candidate < nearest_distance) {
            nearest = &known;
            nearest_distance = candidate;
        }
    }
    Hardware hardware = *nearest;
    hardware.sms = static_cast<double>(gpu.sm_count);
    hardware.hbm_bytes_per_us = gpu.hbm_bytes_per_s * k_per_us;
    hardware.hbm_share = 1;
    hardware.sustained_loss = 0;
    hardware.latency = 1;
    hardware.compute_share = 1;
    hardware.bf16_flops_per_us = gpu.bf16_flops * k_per_us;
    hardware.fp8_flops_per_us = (gpu.fp8_flops > 0 ? gpu.fp8_flops : gpu.bf16_flops) * k_per_us;
    hardware.fp4_flops_per_us = hardware.fp8_flops_per_us;
    hardware.link_bytes_per_us =
        (gpu.nvlink_bytes_per_s > 0 ? gpu.nvlink_bytes_per_s : gpu.pcie_bytes_per_s) * k_per_us;
    hardware.node_gpus = static_cast<double>(gpu.gpus_per_node);
    hardware.nvlink_gpus = hardware.node_gpus;
    return hardware;
}

}  // namespace replayd::cost
