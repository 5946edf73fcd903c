#include "replay/memory/planned_workspace.hpp"

#include <algorithm>

#include "replay/memory/attention_workspace.hpp"
#include "replay/memory/workspace_buffer.hpp"

namespace replayd {
namespace {

std::string number(std::int64_t value) { return std::to_string(value); }

/// Heads of one rank.
struct Heads {
    std::int64_t q = 0;
    std::int64_t kv = 0;
    std::int64_t dim = 0;
};

Heads local_heads(const ModelSpec& model, std::int64_t tensor) {
    const AttentionSpec& a = model.attention;
    return {a.q_heads / tensor, ceil_div(a.kv_heads, tensor), a.head_dim};
}

Bytes float_need(const Heads& heads, std::int64_t items, std::int64_t tile) {
    return Bytes(4 * heads.q * items * tile * (heads.dim + 1));
}

/// Ordinary prefill: a split plan never has more work items than the GPU holds at once, and the widest tile needs most.
Bytes eager_need(const Heads& heads, std::int64_t batch_max) {
    return float_need(heads, batch_max, tile_rows(1 << 20, heads.dim, heads.dim, TileRule::v020, false));
}

/// Under a graph the plan is always split and padded for the worst batch of its size. The item count grows and the
/// tile shrinks with the number of requests, so both ends are looked at.
Bytes graph_need(const Heads& heads, std::int64_t batch_max, std::int64_t rows, std::int64_t sequences_max) {
    Bytes need{0};
    const std::int64_t group = heads.q / heads.kv;
    for (const std::int64_t requests : {std::int64_t{1}, std::min(rows, sequences_max)}) {
        const std::int64_t tile =
            tile_rows((rows - requests + 1) * group, heads.dim, heads.dim, TileRule::v020, false);
        const std::int64_t items = std::max(batch_max, ceil_div(rows * group, tile) + requests - 1);
        need = std::max(need, float_need(heads, items, tile));
    }
    return need;
}

}  // namespace

std::vector<std::int64_t> graph_sizes(std::int64_t tokens_max) {
    std::vector<std::int64_t> sizes;
    for (const std::int64_t size : {1, 2, 4}) {
        if (size <= tokens_max) sizes.push_back(size);
    }
    for (std::int64_t size = 8; size <= tokens_max; size += size < 256 ? 8 : 16) sizes.push_back(size);
    return sizes;
}

std::vector<MemoryItem> workspace_items(const ModelSpec& model, const PoolSpec& pool) {
    if (pool.runtime.attention != AttentionBackend::flashinfer) return {};
    const Heads heads = local_heads(model, pool.parallel.tensor);
    const std::int64_t batch_max = 2 * pool.gpu.sm_count / heads.kv;
    const Bytes eager = eager_need(heads, batch_max);
    std::vector<Bytes> needs;
    if (pool.runtime.cuda_graphs) {
        for (const std::int64_t rows : graph_sizes(pool.runtime.graph_tokens_max)) {
            needs.push_back(graph_need(heads, batch_max, rows, pool.batching.max_sequences));
        }
    }
    const auto captures = static_cast<std::int64_t>(needs.size());
    const Bytes captured = retained_workspace(needs, pool.runtime.shared_workspace);
    const Bytes ordinary = workspace_allocation(eager);
    const std::string how = "ordinary prefill needs " + number(eager.value) + " B, allocated as " +
                            number(ordinary.value) + " B; " + number(captures) + " captured sizes keep " +
                            number(captured.value) + " B" +
                            (pool.runtime.shared_workspace ? ", shared" : ", one buffer each");
    return {{"attention workspace", ordinary + captured, how, ItemBasis::habit},
            {"attention int workspace", k_int_workspace * (captures > 0 ? 2 : 1),
             "8 MiB for ordinary prefill" + std::string(captures > 0 ? " and for graphs" : ""), ItemBasis::habit}};
}

}  // namespace replayd
