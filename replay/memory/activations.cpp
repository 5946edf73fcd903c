#include "replay/memory/activations.hpp"

#include <algorithm>

#include "replay/memory/planned_moe.hpp"

namespace replayd {
namespace {

constexpr std::int64_t k_bf16_bytes = 2;

/// Bytes of one logit while vLLM 0.17 and later sample with top-k and top-p (vllm/v1/sample/sampler.py and
/// ops/topk_topp_sampler.py): bf16 logits 2, fp32 logits 4, probabilities 4, exponential noise 4. Measured on an H100:
/// 505 MiB of tensors for 256 x 128,256 logits, the kernel's buffer included.
constexpr std::int64_t k_sampler_bytes_per_logit = 14;

/// The top-k and top-p kernel keeps one row of fp32 logits for each program, one program per multiprocessor at most
/// (vllm/v1/sample/ops/topk_topp_triton.py).
constexpr std::int64_t k_sampler_buffer_bytes = 4;

/// Hidden-sized tensors alive inside the widest layer: its input, the residual, the normalized input and the result.
/// vLLM 0.19's logs of models with a small vocabulary give 3.7 (CodeLlama-7B 0.77 GiB, Granite-3.1-8B 0.85 GiB).
constexpr std::int64_t k_hidden_tensors = 4;

/// cuBLAS's workspace, which PyTorch allocates: 32 MiB on Hopper (measured), 8 MiB before it.
constexpr std::int64_t k_blas_workspace = 32LL << 20;

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

/// The workspace of vLLM's fused expert kernels, which it keeps (vllm/v1/worker/workspace.py), for `tokens` tokens of
/// each data rank: one buffer for the first product and the output, one for the activation, and what all data ranks
/// gather and return.
std::int64_t fused_moe_bytes(const ModelSpec& model, const ParallelSpec& parallel, std::int64_t tokens) {
    const MoeSpec& moe = *model.moe;
    const std::int64_t width = moe.ffn / (parallel.tensor * parallel.data / parallel.expert);
    const std::int64_t rows = std::min(tokens * parallel.data, k_moe_chunk_rows) * moe.top_k;
    const std::int64_t shared_buffer = std::max((model.gated_ffn ? 2 : 1) * width, model.hidden);
    const std::int64_t gathered = parallel.data > 1 ? 2 * tokens * parallel.data * model.hidden : tokens * model.hidden;
    return (rows * (shared_buffer + width) + gathered) * k_bf16_bytes;
}

/// Bytes inside the widest layer for `tokens` tokens of each data rank, without what stays beside it.
std::int64_t layer_bytes(const ModelSpec& model, const PoolSpec& pool, std::int64_t tokens) {
    const std::int64_t columns = model.gated_ffn ? 3 : 2;
    const std::int64_t dense = tokens * columns * (model.ffn / pool.parallel.tensor) * k_bf16_bytes;
    const std::int64_t attention = tokens * attention_width(model, pool.parallel.tensor) * k_bf16_bytes;
    const bool dispatched = model.moe && uses_deepep(pool.runtime.moe);
    return std::max({attention, dense, dispatched ? deepep_temporaries(model, pool, tokens).value : 0});
}

/// Bytes of `rows` rows while a token of each is sampled: their hidden states twice, and the logits.
std::int64_t sampling_bytes(const ModelSpec& model, const PoolSpec& pool, std::int64_t rows) {
    return rows * (2 * model.hidden * k_bf16_bytes + model.vocab * k_sampler_bytes_per_logit) +
           std::min(rows, pool.gpu.sm_count) * model.vocab * k_sampler_buffer_bytes;
}

}  // namespace

std::int64_t largest_step_tokens(const PoolSpec& pool) {
    const bool whole_prompts = pool.batching.policy == BatchPolicyKind::orca ||
                               pool.batching.policy == BatchPolicyKind::faster_transformer;
    const std::int64_t budget = pool.batching.max_batched_tokens.value;
    return whole_prompts ? std::max(budget, pool.max_context.value) : budget;
}

std::vector<MemoryItem> activation_items(const ModelSpec& model, const PoolSpec& pool, const PipelineStage& stage) {
    const std::int64_t tokens = largest_step_tokens(pool);
    const std::int64_t hidden = tokens * model.hidden * k_bf16_bytes;
    const std::int64_t forward = k_hidden_tensors * hidden + layer_bytes(model, pool, tokens);
    const std::int64_t rows =
        stage.holds_head ? std::min(pool.batching.max_sequences * (1 + pool.drafts_max()), tokens) : 0;
    const std::int64_t sampler = rows > 0 ? hidden + sampling_bytes(model, pool, rows) : 0;
    std::vector<MemoryItem> items;
    items.push_back({"activations", Bytes(std::max(forward, sampler)),
                     number(tokens) + " tokens (the largest step): the larger of the forward pass " + number(forward) +
                         " B (" + number(k_hidden_tensors) + " hidden states and the widest layer) and sampling " +
                         number(sampler) + " B (" + number(rows) + " rows x " + number(model.vocab) + " logits x " +
                         number(k_sampler_bytes_per_logit) + " B, kernel buffer, hidden states)",
                     ItemBasis::habit});
    if (stage.moe > 0 && !uses_deepep(pool.runtime.moe)) {
        items.push_back({"expert workspace", Bytes(fused_moe_bytes(model, pool.parallel, tokens)),
                         "fused kernels' buffers for " + number(tokens) + " tokens x top-" + number(model.moe->top_k) +
                             ", kept",
                         ItemBasis::habit});
    }
    items.push_back(
        {"cuBLAS workspace", Bytes(k_blas_workspace), "32 MiB, PyTorch's default on Hopper", ItemBasis::habit});
    return items;
}

MemoryItem rotary_item(const ModelSpec& model) {
    const AttentionSpec& a = model.attention;
    const std::int64_t head = a.rotary_dim > 0 ? a.rotary_dim : a.head_dim;
    const std::int64_t values = a.kind == AttentionKind::mla ? a.qk_rope_head_dim : head;
    return {
        "rotary table", Bytes(model.max_context * values * k_bf16_bytes),
        number(model.max_context) + " positions x " + number(values) + " cosines and sines x 2 B, shared by all layers",
        ItemBasis::habit};
}

MemoryItem mla_workspace_item(const ModelSpec& model, const PoolSpec& pool) {
    const AttentionSpec& a = model.attention;
    if (a.kind != AttentionKind::mla) return {};
    const std::int64_t wanted =
        std::max(8 * pool.max_context.value, 4 * pool.batching.max_sequences * pool.kv.block.value);
    const std::int64_t tokens = std::min(wanted, k_mla_workspace_tokens_max);
    const std::int64_t latent = a.kv_lora_rank + a.qk_rope_head_dim;
    const std::int64_t expanded = a.q_heads / pool.parallel.tensor * (a.qk_nope_head_dim + a.v_head_dim);
    return {"MLA prefill workspace", Bytes(tokens * (latent + expanded) * k_bf16_bytes),
            number(tokens) + " context tokens x (latent " + number(latent) + " + keys and values " + number(expanded) +
                ") x 2 B",
            ItemBasis::habit};
}

}  // namespace replayd
