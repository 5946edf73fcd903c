#include "replay/memory/collective_buffers.hpp"

namespace replayd {
namespace {

/// Assumption: NCCL's buffers by size of the group. Source: NVIDIA aiconfigurator, systems/h100_sxm.yaml and its
/// siblings, misc.nccl_mem.
constexpr Bytes k_nccl_pair{342LL << 20};
constexpr Bytes k_nccl_group{392LL << 20};

/// vLLM's all-reduce (vllm/distributed/device_communicators/custom_all_reduce.py): a buffer for two-stage results
/// behind the signals, one for registered inputs and one for pointers, 8 MiB each.
constexpr Bytes k_custom_all_reduce{3 * (8LL << 20)};

/// Group sizes that it supports.
bool custom_all_reduce(const PoolSpec& pool) {
    const std::int64_t ranks = pool.parallel.tensor;
    if (ranks != 2 && ranks != 4 && ranks != 6 && ranks != 8) return false;
    return pool.gpu.nvlink_bytes_per_s > 0 || ranks == 2;
}

}  // namespace

std::vector<MemoryItem> collective_items(const PoolSpec& pool) {
    const std::int64_t ranks = pool.parallel.gpus();
    std::vector<MemoryItem> items;
    if (ranks > 1) {
        items.push_back({"NCCL buffers", ranks < 4 ? k_nccl_pair : k_nccl_group,
                         std::to_string(ranks) + " GPUs in the group (assumption)", ItemBasis::assumption});
    }
    if (custom_all_reduce(pool)) {
        items.push_back({"custom all-reduce", k_custom_all_reduce,
                         "three buffers of 8 MiB, TP " + std::to_string(pool.parallel.tensor), ItemBasis::habit});
    }
    return items;
}

}  // namespace replayd
