#pragma once
// The tables by part of the network; kernel_table.cpp lists them.

#include "replay/cost/laws/expert_spread.hpp"
#include "replay/cost/laws/kernel_table.hpp"

namespace replayd::cost {

[[nodiscard]] KernelTable gemm_table();
[[nodiscard]] KernelTable context_attention_table();
[[nodiscard]] KernelTable generation_attention_table();
[[nodiscard]] KernelTable context_mla_table();
[[nodiscard]] KernelTable generation_mla_table();
[[nodiscard]] KernelTable mla_bmm_table();
[[nodiscard]] KernelTable moe_table();

/// Work of a row of moe_table() whose tokens fall on the rank's experts as `spread` says, whatever its distribution.
[[nodiscard]] KernelWork expert_work(const Hardware& hardware, const KernelRow& row, const ExpertSpread& spread);
[[nodiscard]] KernelTable gdn_table();
[[nodiscard]] KernelTable nccl_table();
[[nodiscard]] KernelTable custom_allreduce_table();
[[nodiscard]] KernelTable deepep_normal_table();
[[nodiscard]] KernelTable deepep_low_latency_table();

}  // namespace replayd::cost
