#include "replay/memory/concurrency.hpp"

#include <algorithm>

namespace replayd {
namespace {

bool reserves_context(BatchPolicyKind policy) {
    return policy == BatchPolicyKind::orca || policy == BatchPolicyKind::faster_transformer;
}

/// Tokens whose KV the pool holds at once for a request at its longest.
std::int64_t tokens_held(const ModelSpec& model, const PoolSpec& pool, RequestLengths lengths) {
    std::int64_t tokens = lengths.prompt.value;
    // The last output token is never fed back, so its KV is never written.
    if (pool.role != PoolRole::prefill) tokens += std::max<std::int64_t>(0, lengths.output.value - 1);
    if (reserves_context(pool.batching.policy)) tokens = pool.max_context.value;
    const AttentionSpec& a = model.attention;
    const bool windowed = a.sliding_window > 0 && a.global_interval == 0;
    // A window that begins inside a block touches one block more.
    return windowed ? std::min(tokens, a.sliding_window + pool.kv.block.value) : tokens;
}

}  // namespace

std::int64_t blocks_per_request(const ModelSpec& model, const PoolSpec& pool, const MemoryPlan& plan,
                                RequestLengths lengths) {
    const std::int64_t state = plan.kv_bytes_per_block == Bytes(0)
                                   ? 0
                                   : ceil_div(plan.state_bytes_per_request.value, plan.kv_bytes_per_block.value);
    return ceil_div(tokens_held(model, pool, lengths), pool.kv.block.value) + state;
}

Concurrency concurrency(const ModelSpec& model, const PoolSpec& pool, const MemoryPlan& plan, RequestLengths lengths) {
    Concurrency out;
    out.blocks_per_request = blocks_per_request(model, pool, plan, lengths);
    if (lengths.prompt + lengths.output > pool.max_context) {
        out.binding = "max_context";
        return out;
    }
    out.by_blocks = plan.blocks / std::max<std::int64_t>(1, out.blocks_per_request);
    out.per_scheduler = std::min(out.by_blocks, pool.batching.max_sequences);
    out.pool = out.per_scheduler * pool.replicas * pool.parallel.data;
    out.binding = out.by_blocks <= pool.batching.max_sequences ? "KV blocks" : "batching.max_sequences";
    return out;
}

}  // namespace replayd
