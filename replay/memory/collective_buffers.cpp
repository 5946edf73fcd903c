#include "replay/memory/collective_buffers.hpp"

namespace replayd {
namespace {

/// Assumption: NCCL's buffers by size of the group. Source: NVIDIA aiconfigurator, systems/h100_sxm.yaml and its
/// siblings, misc.nccl_mem.
constexpr Bytes k_nccl_pair{342LL << 20};
constexpr Bytes k_nccl_group{392LL << 20};

/// Assumption: everything that tensor ranks on NVLink take at their first all-reduce: NCCL, vLLM's own all-reduce,
/// symmetric memory and the fused all-reduce. vLLM 0.19 logs 2.07 GiB on a pair of H100 and 2.13 to 2.17 GiB on four
/// where one GPU has 0.25 GiB (28 models).
constexpr Bytes k_nvlink_pair{1864LL << 20};
constexpr Bytes k_nvlink_group{1946LL << 20};

/// vLLM's all-reduce between a PCIe pair (vllm/distributed/device_communicators/custom_all_reduce.py): a buffer for
/// two-stage results behind the signals, one for registered inputs and one for pointers, 8 MiB each.
constexpr Bytes k_custom_all_reduce{3 * (8LL << 20)};

std::string group_of(std::int64_t ranks) { return std::to_string(ranks) + " GPUs in the group (assumption)"; }

}  // namespace

std::vector<MemoryItem> collective_items(const PoolSpec& pool) {
    const std::int64_t tensor = pool.parallel.tensor;
    const std::int64_t ranks = tensor * pool.parallel.data;
    if (ranks == 1) return {};
    if (tensor > 1 && pool.gpu.nvlink_bytes_per_s > 0) {
        return {{"all-reduce buffers", tensor < 4 ? k_nvlink_pair : k_nvlink_group,
                 "NCCL and vLLM's own over NVLink, TP " + std::to_string(tensor) + " (assumption)",
                 ItemBasis::assumption}};
    }
    std::vector<MemoryItem> items = {
        {"NCCL buffers", ranks < 4 ? k_nccl_pair : k_nccl_group, group_of(ranks), ItemBasis::assumption}};
    if (tensor == 2) {
        items.push_back({"custom all-reduce", k_custom_all_reduce, "three buffers of 8 MiB, TP 2", ItemBasis::habit});
    }
    return items;
}

}  // namespace replayd
