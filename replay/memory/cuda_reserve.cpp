#include "replay/memory/cuda_reserve.hpp"

#include <algorithm>

#include "replay/catalog/graph_sizes.hpp"

namespace replayd {
namespace {

/// Measured on H100 and H200: free memory before and after the first CUDA call of a process, 0.51 GiB.
constexpr Bytes k_cuda_context{522LL << 20};

/// Assumption: nodes and parameters of one captured layer. Llama-3.2-1B's 16 layers took 0.21 GiB for 35 sizes
/// (vllm-project/vllm pull request 11349).
constexpr Bytes k_graph_layer{(384LL << 10)};

}  // namespace

MemoryItem runtime_item(const GpuSpec& gpu) {
    return {"runtime", gpu.runtime,
            "CUDA modules and what a trial capture of graphs leaves, " + gpu.name + " (assumption)",
            ItemBasis::assumption};
}

std::vector<MemoryItem> outside_items(const PoolSpec& pool, const PipelineStage& stage) {
    std::vector<MemoryItem> items;
    items.push_back({"CUDA context", k_cuda_context, "measured on H100 and H200", ItemBasis::assumption});
    if (!pool.runtime.cuda_graphs) return items;
    const std::vector<std::int64_t> sizes = graph_sizes(pool.runtime.graph_tokens_max);
    // vLLM captures each size piecewise for mixed batches, and those that a decode batch can have as a whole too.
    const auto decode = std::count_if(sizes.begin(), sizes.end(), [&](std::int64_t size) {
        return size <= pool.batching.max_sequences * (1 + pool.drafts_max());
    });
    const auto graphs = static_cast<std::int64_t>(sizes.size()) + static_cast<std::int64_t>(decode);
    items.push_back({"CUDA graphs", k_graph_layer * (graphs * stage.layers),
                     std::to_string(graphs) + " graphs x " + std::to_string(stage.layers) + " layers x " +
                         std::to_string(k_graph_layer.value) + " B (assumption)",
                     ItemBasis::assumption});
    return items;
}

}  // namespace replayd
