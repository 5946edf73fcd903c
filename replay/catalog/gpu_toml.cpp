#include "replay/catalog/spec_toml.hpp"

namespace replayd {
namespace {

constexpr double k_giga = 1e9;
constexpr double k_tera = 1e12;
constexpr std::int64_t k_memory_max = 1LL << 50;  // 1 PiB

/// A positive rate in units of `unit` per second; 0 only with a fallback.
double rate(TableReader& table, std::string_view key, double unit, std::optional<double> fallback = std::nullopt) {
    return table.real(key, {0, 1e9, fallback.has_value()}, fallback) * unit;
}

}  // namespace

GpuSpec read_gpu(TableReader& table, const std::string& name) {
    GpuSpec out;
    out.name = name;
    out.memory = Bytes(table.integer("memory_bytes", {1, k_memory_max}));
    out.runtime = Bytes(table.integer("runtime_bytes", {0, k_memory_max}, out.runtime.value));
    out.hbm_bytes_per_s = rate(table, "hbm_gigabytes_per_s", k_giga);
    out.bf16_flops = rate(table, "bf16_teraflops", k_tera);
    out.fp8_flops = rate(table, "fp8_teraflops", k_tera, 0);
    out.int8_ops = rate(table, "int8_teraops", k_tera, 0);
    out.sm_count = table.integer("sm_count", {1, 10'000});
    out.nvlink_bytes_per_s = rate(table, "nvlink_gigabytes_per_s", k_giga, 0);
    out.pcie_bytes_per_s = rate(table, "pcie_gigabytes_per_s", k_giga);
    out.nic_bytes_per_s = rate(table, "nic_gigabytes_per_s", k_giga);
    out.gpus_per_node = table.integer("gpus_per_node", {1, 1'024});
    out.source = table.text("source");
    table.finish();
    return out;
}

}  // namespace replayd
