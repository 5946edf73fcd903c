#include "replay/memory/planned_workspace.hpp"

#include <algorithm>

#include "replay/catalog/graph_sizes.hpp"
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

/// Work items that the GPU holds at once.
std::int64_t batch_max(const PoolSpec& pool, const Heads& heads) { return 2 * pool.gpu.sm_count / heads.kv; }

Bytes float_need(const Heads& heads, std::int64_t items, std::int64_t tile) {
    return Bytes(4 * heads.q * items * tile * (heads.dim + 1));
}

/// Ordinary prefill: a split plan never has more work items than the GPU holds at once, and the widest tile needs most.
Bytes eager_need(const Heads& heads, std::int64_t items) {
    return float_need(heads, items, tile_rows(1 << 20, heads.dim, heads.dim, TileRule::v020, false));
}

/// Requests of a graph of `rows` rows that need most. More requests mean more work items but, from some number on,
/// smaller tiles: so one request, the most there can be, and the last number before the tile shrinks.
std::vector<std::int64_t> candidates(std::int64_t group, std::int64_t rows, std::int64_t requests_max) {
    std::vector<std::int64_t> out = {1, requests_max};
    for (const std::int64_t threshold : {64, 32, 16}) {
        out.push_back(std::clamp<std::int64_t>(rows - threshold / group, 1, requests_max));
    }
    return out;
}

/// Under a graph the plan is always split and padded for the worst batch of its size.
Bytes graph_need(const Heads& heads, std::int64_t items_least, std::int64_t rows, std::int64_t sequences_max) {
    Bytes need{0};
    const std::int64_t group = heads.q / heads.kv;
    for (const std::int64_t requests : candidates(group, rows, std::min(rows, sequences_max))) {
        const std::int64_t tile =
            tile_rows((rows - requests + 1) * group, heads.dim, heads.dim, TileRule::v020, false);
        const std::int64_t items = std::max(items_least, ceil_div(rows * group, tile) + requests - 1);
        need = std::max(need, float_need(heads, items, tile));
    }
    return need;
}

}  // namespace

Bytes captured_need(const ModelSpec& model, const PoolSpec& pool, std::int64_t rows) {
    const Heads heads = local_heads(model, pool.parallel.tensor);
    return graph_need(heads, batch_max(pool, heads), rows, pool.batching.max_sequences);
}

Result<Bytes> prefill_need(const ModelSpec& model, const PoolSpec& pool, std::span<const std::int64_t> q_rows,
                           std::span<const std::int64_t> kv_pages) {
    const Heads heads = local_heads(model, pool.parallel.tensor);
    WorkspaceInput input;
    input.q_rows = q_rows;
    input.kv_pages = kv_pages;
    input.q_heads = heads.q;
    input.kv_heads = heads.kv;
    input.head_dim_qk = input.head_dim_vo = heads.dim;
    input.page_tokens = pool.kv.block.value;
    input.sm_count = pool.gpu.sm_count;
    const auto plan = plan_workspace(input);
    if (!plan) return tl::unexpected(plan.error());
    return plan->float_bytes;
}

std::vector<MemoryItem> workspace_items(const ModelSpec& model, const PoolSpec& pool) {
    if (pool.runtime.attention != AttentionBackend::flashinfer) return {};
    const Heads heads = local_heads(model, pool.parallel.tensor);
    const Bytes eager = eager_need(heads, batch_max(pool, heads));
    std::vector<Bytes> needs;
    if (pool.runtime.cuda_graphs) {
        for (const std::int64_t rows : graph_sizes(pool.runtime.graph_tokens_max)) {
            needs.push_back(captured_need(model, pool, rows));
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
