#include "replay/memory/activations.hpp"

#include <algorithm>

#include "replay/memory/planned_moe.hpp"

namespace replayd {
namespace {

constexpr std::int64_t k_bf16_bytes = 2;

/// Bytes of one logit while vLLM samples with top-k and top-p (vllm/v1/sample/ops/topk_topp_sampler.py): bf16 logits
/// 2, fp32 logits 4, sorted values 4, int64 indices 8, and the sort's scratch of values and indices 12.
constexpr std::int64_t k_sampler_bytes_per_logit = 30;

/// Rows that the fused MoE kernels take at once (vllm/envs.py, VLLM_FUSED_MOE_CHUNK_SIZE).
constexpr std::int64_t k_moe_chunk_rows = 16 * 1024;

/// Context tokens that MLA's chunked prefill gathers at once at most (vllm/v1/attention/backends/mla/common.py,
/// determine_chunked_prefill_workspace_size).
constexpr std::int64_t k_mla_workspace_tokens_max = 64 * 1024;

std::string number(std::int64_t value) { return std::to_string(value); }

/// 16-bit elements per token inside the widest attention layer: projections in, heads out.
std::int64_t attention_width(const ModelSpec& model, std::int64_t tensor) {
    const AttentionSpec& a = model.attention;
    const std::int64_t heads = a.q_heads / tensor;
    std::int64_t width = 0;
    if (a.kind == AttentionKind::mla) {
        width = a.q_lora_rank + a.kv_lora_rank + a.qk_rope_head_dim + heads * (2 * a.head_dim + 2 * a.v_head_dim);
    } else {
        width = heads * a.head_dim * (a.gated_query ? 3 : 2) + 2 * ceil_div(a.kv_heads, tensor) * a.head_dim;
    }
    if (model.linear_attention) {
        const LinearAttentionSpec& g = *model.linear_attention;
        width = std::max(width, 2 * (2 * g.k_heads * g.k_head_dim + 2 * g.v_heads * g.v_head_dim) / tensor);
    }
    return width;
}

/// Bytes inside vLLM's fused expert kernels for `tokens` tokens of each data rank: one buffer for the first product
/// and the output, one for the activation, and what all data ranks gather and return.
std::int64_t fused_moe_bytes(const ModelSpec& model, const ParallelSpec& parallel, std::int64_t tokens) {
    const MoeSpec& moe = *model.moe;
    const std::int64_t width = moe.ffn / (parallel.tensor * parallel.data / parallel.expert);
    const std::int64_t rows = std::min(tokens * parallel.data, k_moe_chunk_rows) * moe.top_k;
    const std::int64_t shared_buffer = std::max((model.gated_ffn ? 2 : 1) * width, model.hidden);
    const std::int64_t gathered = parallel.data > 1 ? 2 * tokens * parallel.data * model.hidden : tokens * model.hidden;
    return (rows * (shared_buffer + width) + gathered) * k_bf16_bytes;
}

/// Bytes inside the widest FFN for `tokens` tokens of each data rank.
std::int64_t ffn_bytes(const ModelSpec& model, const PoolSpec& pool, std::int64_t tokens) {
    const std::int64_t columns = model.gated_ffn ? 3 : 2;
    const std::int64_t dense = tokens * columns * (model.ffn / pool.parallel.tensor) * k_bf16_bytes;
    if (!model.moe) return dense;
    const std::int64_t experts = pool.runtime.moe == MoeBackend::fused ? fused_moe_bytes(model, pool.parallel, tokens)
                                                                       : deepep_temporaries(model, pool, tokens).value;
    return std::max(dense, experts);
}

}  // namespace

std::int64_t largest_step_tokens(const PoolSpec& pool) {
    const bool whole_prompts = pool.batching.policy == BatchPolicyKind::orca ||
                               pool.batching.policy == BatchPolicyKind::faster_transformer;
    const std::int64_t budget = pool.batching.max_batched_tokens.value;
    return whole_prompts ? std::max(budget, pool.max_context.value) : budget;
}

MemoryItem activation_item(const ModelSpec& model, const PoolSpec& pool, const PipelineStage& stage) {
    const std::int64_t tokens = largest_step_tokens(pool);
    const std::int64_t hidden = 2 * tokens * model.hidden * k_bf16_bytes;
    const std::int64_t layer = std::max(tokens * attention_width(model, pool.parallel.tensor) * k_bf16_bytes,
                                        ffn_bytes(model, pool, tokens));
    const std::int64_t rows = stage.holds_head ? std::min(pool.batching.max_sequences, tokens) : 0;
    const std::int64_t sampler = rows * model.vocab * k_sampler_bytes_per_logit;
    return {"activations", Bytes(hidden + std::max(layer, sampler)),
            "hidden states and residual of " + number(tokens) + " tokens (the largest step) " + number(hidden) +
                " B + the larger of the widest layer " + number(layer) + " B and sampling " + number(rows) +
                " rows x " + number(model.vocab) + " logits x " + number(k_sampler_bytes_per_logit) + " B = " +
                number(sampler) + " B",
            ItemBasis::habit};
}

MemoryItem mla_workspace_item(const ModelSpec& model, const PoolSpec& pool) {
    const AttentionSpec& a = model.attention;
    if (a.kind != AttentionKind::mla) return {};
    const std::int64_t wanted = std::max(8 * pool.max_context.value, 4 * pool.batching.max_sequences * pool.kv.block.value);
    const std::int64_t tokens = std::min(wanted, k_mla_workspace_tokens_max);
    const std::int64_t latent = a.kv_lora_rank + a.qk_rope_head_dim;
    const std::int64_t expanded = a.q_heads / pool.parallel.tensor * (a.qk_nope_head_dim + a.v_head_dim);
    return {"MLA prefill workspace", Bytes(tokens * (latent + expanded) * k_bf16_bytes),
            number(tokens) + " context tokens x (latent " + number(latent) + " + keys and values " + number(expanded) +
                ") x 2 B",
            ItemBasis::habit};
}

}  // namespace replayd
