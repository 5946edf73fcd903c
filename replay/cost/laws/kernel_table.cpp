#include "replay/cost/laws/kernel_table.hpp"

#include <cstddef>

#include "replay/cost/laws/tables.hpp"

namespace replayd::cost {
namespace {

// Bytes per element with the scales of the format: nvfp4 one fp8 scale per 16, mxfp4 one per 32 elements.
constexpr std::array<TypeTraits, 12> k_types = {{
    {"bfloat16", 2, 2},
    {"float16", 2, 2},
    {"half", 2, 2},
    {"fp8", 1, 1},
    {"fp8_block", 1, 1},
    {"int8", 1, 1},
    {"int8_wo", 1, 2},
    {"int4_wo", 0.5, 2},
    {"w4a16_mxfp4", 0.53125, 2},
    {"w4afp8", 0.5, 1},
    {"w4a8_mxfp4_mxfp8", 0.53125, 1},
    {"nvfp4", 0.5625, 0.5},
}};

}  // namespace

std::span<const KernelTable> kernel_tables() {
    static const std::array<KernelTable, 12> tables = {
        gemm_table(),    context_attention_table(), generation_attention_table(), context_mla_table(),
        generation_mla_table(), mla_bmm_table(),    moe_table(),                  gdn_table(),
        nccl_table(),    custom_allreduce_table(),  deepep_normal_table(),        deepep_low_latency_table(),
    };
    return tables;
}

const KernelTable* find_kernel_table(std::string_view name) {
    for (const KernelTable& table : kernel_tables()) {
        if (table.name == name) return &table;
    }
    return nullptr;
}

std::span<const TypeTraits> type_traits() { return k_types; }

int find_type(std::string_view name) {
    for (std::size_t i = 0; i < k_types.size(); ++i) {
        if (k_types[i].name == name) return static_cast<int>(i);
    }
    return -1;
}

const TypeTraits& type_of(double number) { return k_types[static_cast<std::size_t>(number)]; }

double peak_flops_per_us(const Hardware& hardware, const TypeTraits& type) {
    if (type.input_bytes < 1) return hardware.fp4_flops_per_us;
    return type.input_bytes < 2 ? hardware.fp8_flops_per_us : hardware.bf16_flops_per_us;
}

}  // namespace replayd::cost
