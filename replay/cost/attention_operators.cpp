// Attention of one layer: projections, position embedding and cache write, prefill and decode kernels.

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "replay/cost/composition.hpp"
#include "replay/cost/efficiency.hpp"

namespace replayd::cost {
namespace {

constexpr double k_bf16_bytes = 2;

/// Widths of a prefill kernel on one rank, in elements per token.
struct PrefillWidths {
    double multiply_adds_per_pair = 0;  ///< heads × (width of q·k + width of p·v)
    double kv_bytes = 0;                ///< keys and values read per token of context
    double query_output_bytes = 0;      ///< queries read and outputs written per new token
};

constexpr double k_ns = 1e9;  // per second

/// Lays a plane under a kernel as the operator's affine time: `work` units of a, worked off at the rate that
/// gives per_a, and as many units of b as give per_b.
void set_plane(OperatorSpec& kernel, Amount& amount, double& per_s, PricedPlane plane, double a_units) {
    kernel.fixed = Duration(std::llround(plane.fixed_ns));
    kernel.provenance = std::move(plane.provenance) + "; plane";
    if (plane.per_a_ns <= 0) return;
    per_s = a_units * k_ns / plane.per_a_ns;
    amount.per_a = a_units;
    amount.per_b = plane.per_b_ns * per_s / k_ns;
}

/// `law` prices the kernel where its widths are those of a table; `note` ends its provenance.
void add_prefill_kernel(Composer& composer, const PrefillWidths& widths, std::optional<PricedPlane> law,
                        const std::string& note = {}) {
    const double flops_per_pair = 2 * widths.multiply_adds_per_pair;
    OperatorSpec kernel;
    kernel.name = "attention.prefill";
    kernel.gate = Field::prefill_tokens;
    kernel.fixed = k_prefill_attention_fixed;
    kernel.flops = {0, flops_per_pair, Field::prefill_pairs, flops_per_pair * k_prefill_attention_extra_pairs,
                    Field::prefill_tokens};
    kernel.flops_per_s = composer.pool.gpu.bf16_flops * k_prefill_attention_compute;
    kernel.bytes = {0, widths.kv_bytes, Field::prefill_context, widths.query_output_bytes, Field::prefill_tokens};
    kernel.bytes_per_s = composer.pool.gpu.hbm_bytes_per_s * k_decode_attention_memory;
    kernel.counts = composer.layers.full;
    if (law) set_plane(kernel, kernel.flops, kernel.flops_per_s, std::move(*law), flops_per_pair);
    kernel.provenance += note;
    composer.add(std::move(kernel));
}

struct DecodeWidths {
    double multiply_adds_per_key = 0;  ///< per token of context, all heads of the rank
    double kv_bytes = 0;               ///< cache bytes read per token of context
    double query_output_bytes = 0;     ///< per sequence
    Duration fixed{0};
};

/// FlashAttention 2 reads a paged cache with its split-KV kernel, whose blocks take 64 query rows at every head width
/// (source: Dao-AILab/flash-attention, csrc/flash_attn/src/flash_fwd_launch_template.h, run_mha_fwd_splitkv_dispatch).
/// A batch that only decodes packs the query heads that share a key head into one block (seqlenq_ngroups_swapped in
/// flash_api.cpp asks for max_seqlen_q == 1). Beside a prompt each query head of a decode computes a whole block.
constexpr double k_query_block_rows = 64;

/// Its time alone or, beside a prompt, that of its blocks at the prefill kernel's rate, `ns_per_pair`, where that is
/// longer.
void compute_in_blocks(OperatorSpec& kernel, double ns_per_pair) {
    const double per_row = kernel.flops.per_a;
    kernel.flops_per_s = per_row * k_ns / ns_per_pair;
    kernel.flops.per_b = (k_query_block_rows - 1) * per_row;  // drafts have room in the block
    kernel.flops.b = Field::mixed_decode_context;
    kernel.provenance += "; beside prompts in blocks of 64 query rows";
}

/// The only operator whose time grows with decode_context: for fixed sequences it is the maximum of two affine
/// functions, hence convex. `compute` and `memory`: the shares of the GPU's rates that the kernel reaches.
OperatorSpec decode_kernel(const Composer& composer, const DecodeWidths& widths, double compute, double memory) {
    OperatorSpec kernel;
    kernel.name = "attention.decode";
    kernel.gate = Field::decode_sequences;
    kernel.fixed = widths.fixed;
    kernel.flops = {0, 2 * widths.multiply_adds_per_key, Field::decode_context, 2 * widths.multiply_adds_per_key,
                    Field::draft_pairs};
    kernel.flops_per_s = composer.pool.gpu.bf16_flops * compute;
    kernel.bytes = {0, widths.kv_bytes, Field::decode_context, widths.query_output_bytes, Field::decode_sequences};
    kernel.bytes_per_s = composer.pool.gpu.hbm_bytes_per_s * memory;
    kernel.counts = composer.layers.full;
    return kernel;
}

/// `block_ns_per_pair`: prefill's rate where decodes beside prompts take whole blocks.
void add_decode_kernel(Composer& composer, const DecodeWidths& widths, std::optional<PricedPlane> law,
                       std::optional<double> block_ns_per_pair = {}) {
    OperatorSpec kernel = decode_kernel(composer, widths, k_decode_attention_compute, k_decode_attention_memory);
    if (law) {
        // What is computed is part of the plane; at the full peak it never exceeds it. Drafts are not.
        if (!composer.pool.speculation) kernel.flops_per_s = composer.pool.gpu.bf16_flops;
        set_plane(kernel, kernel.bytes, kernel.bytes_per_s, std::move(*law), widths.kv_bytes);
    }
    if (block_ns_per_pair) compute_in_blocks(kernel, *block_ns_per_pair);
    composer.add(std::move(kernel));
}

/// Multi-matrix factorization attention: 64 query heads of 256 on one key-value head, outside of the public tables,
/// whose vLLM kernels on one key-value head of 256 have at most a few query heads. Its report publishes its own kernel.
void add_factorized_decode_kernel(Composer& composer, const DecodeWidths& widths) {
    OperatorSpec kernel = decode_kernel(composer, widths, k_factorized_decode_compute, k_factorized_decode_memory);
    kernel.provenance = "analytic; rates of the Step-3 report (arXiv 2507.19427 table 9)";
    composer.add(std::move(kernel));
}

void add_grouped_query(Composer& composer) {
    const ModelSpec& model = composer.model;
    const AttentionSpec& attention = model.attention;
    const std::int64_t tensor = composer.pool.parallel.tensor;
    const std::int64_t q_heads = attention.q_heads / tensor;
    const std::int64_t kv_heads = std::max<std::int64_t>(1, attention.kv_heads / tensor);
    const std::int64_t q_width = q_heads * attention.head_dim;
    const std::int64_t kv_width = 2 * kv_heads * attention.head_dim;
    const std::int64_t gate_width = attention.gated_query ? q_width : 0;
    const double q = static_cast<double>(q_width);
    const double kv = static_cast<double>(kv_width);
    const double cache_bytes = element_bytes(composer.pool.kv.dtype) * kv;

    const bool factorized = attention.q_lora_rank > 0;
    if (factorized) {
        // The query's down-projection and its norm are not split.
        composer.add_gemm("attention.qkv_a", model.hidden, attention.q_lora_rank + kv_width, composer.layers.full);
        composer.add_elementwise("attention.q_norm", 2 * k_bf16_bytes * static_cast<double>(attention.q_lora_rank),
                                 composer.layers.full);
        composer.add_gemm("attention.q_b", attention.q_lora_rank, q_width, composer.layers.full);
    } else {
        composer.add_gemm("attention.qkv", model.hidden, q_width + gate_width + kv_width, composer.layers.full);
    }
    // Rotary embedding (and norms) in place on queries and keys, then the write into the cache.
    composer.add_elementwise("attention.rope", 2 * k_bf16_bytes * (q + kv) + cache_bytes, composer.layers.full);
    const HeadCounts heads{q_heads, kv_heads, attention.head_dim};
    const DataType cache = composer.pool.kv.dtype;
    PricedPlane prefill = composer.laws.prefill(heads, cache);
    std::optional<double> block_ns_per_pair;
    if (composer.laws.decodes_in_query_blocks(cache) && prefill.per_a_ns > 0) block_ns_per_pair = prefill.per_a_ns;
    add_prefill_kernel(composer, {2 * q, cache_bytes, 2 * k_bf16_bytes * q}, std::move(prefill));
    const DecodeWidths decode{2 * q, cache_bytes, 2 * k_bf16_bytes * q, k_decode_attention_fixed};
    if (factorized) {
        add_factorized_decode_kernel(composer, decode);
    } else {
        add_decode_kernel(composer, decode, composer.laws.decode(heads, cache), block_ns_per_pair);
    }
    if (gate_width > 0) {
        composer.add_elementwise("attention.gate", 3 * k_bf16_bytes * q, composer.layers.full);
    }
    composer.add_gemm("attention.o", q_width, model.hidden, composer.layers.full);
}

void add_latent_projections(Composer& composer, std::int64_t heads) {
    const ModelSpec& model = composer.model;
    const AttentionSpec& attention = model.attention;
    const std::int64_t latent = attention.kv_lora_rank + attention.qk_rope_head_dim;
    const std::int64_t q_width = heads * (attention.qk_nope_head_dim + attention.qk_rope_head_dim);
    // The down-projections are not split: every rank of the tensor group computes them all.
    composer.add_gemm("attention.qkv_a", model.hidden, attention.q_lora_rank + latent, composer.layers.full);
    const std::int64_t q_input = attention.q_lora_rank > 0 ? attention.q_lora_rank : model.hidden;
    composer.add_gemm("attention.q_b", q_input, q_width, composer.layers.full);
    composer.add_elementwise("attention.rope",
                             2 * k_bf16_bytes * static_cast<double>(heads * attention.qk_rope_head_dim + latent) +
                                 element_bytes(composer.pool.kv.dtype) * static_cast<double>(latent),
                             composer.layers.full);
}

/// The public tables know latent attention of DeepSeek-V3's widths only.
bool has_table_widths(const AttentionSpec& attention) {
    return attention.kv_lora_rank == 512 && attention.qk_rope_head_dim == 64 && attention.qk_nope_head_dim == 128 &&
           attention.v_head_dim == 128;
}

/// Decode works in latent space: queries are multiplied into it and outputs out of it, per head.
void add_latent_absorption(Composer& composer, double heads) {
    const AttentionSpec& attention = composer.model.attention;
    const double latent = static_cast<double>(attention.kv_lora_rank);
    const double width = static_cast<double>(attention.qk_nope_head_dim + attention.v_head_dim);
    OperatorSpec absorb;
    absorb.name = "attention.kv_b_absorbed";
    absorb.gate = Field::decode_sequences;
    absorb.fixed = 2 * k_gemm_fixed;  // two batched products
    absorb.flops = {0, 2 * heads * latent * width, Field::decode_rows, 0, Field::decode_rows};
    absorb.flops_per_s = composer.pool.gpu.bf16_flops * k_gemm_compute_bf16;
    absorb.bytes = {k_bf16_bytes * heads * latent * width, k_bf16_bytes * heads * (2 * latent + width),
                    Field::decode_rows, 0, Field::decode_rows};
    absorb.bytes_per_s = composer.pool.gpu.hbm_bytes_per_s * k_gemm_memory;
    absorb.counts = composer.layers.full;
    if (has_table_widths(attention)) {
        PricedCurve priced = composer.laws.absorbed_products(static_cast<std::int64_t>(heads));
        absorb.fixed = Duration(0);
        absorb.curve = FieldCurve{priced.curve, Field::decode_rows};
        absorb.provenance = std::move(priced.provenance);
    }
    composer.add(std::move(absorb));
}

/// FlashMLA's prefill kernel on SM90 takes a multiple of so many query heads; a rank with fewer is priced with padding.
/// Source: aliyun/SimAI, where DeepSeek-V3's prefill runs at tensor 1 and 2 but not at 4 and 8 (h_q % 64 == 0).
constexpr std::int64_t k_flashmla_heads = 64;

std::int64_t prefill_heads(const PoolSpec& pool, std::int64_t heads) {
    return pool.kv.flashmla ? ceil_div(heads, k_flashmla_heads) * k_flashmla_heads : heads;
}

std::string padding_note(std::int64_t heads, std::int64_t padded) {
    if (heads == padded) return {};
    return "; " + std::to_string(heads) + " heads padded to " + std::to_string(padded) + " for FlashMLA";
}

/// Prefill expands the latents of its whole context to keys and values and runs plain multi-head attention.
void add_latent(Composer& composer) {
    const AttentionSpec& attention = composer.model.attention;
    const std::int64_t heads = attention.q_heads / composer.pool.parallel.tensor;
    const std::int64_t padded = prefill_heads(composer.pool, heads);
    const double h = static_cast<double>(heads);
    const double qk = static_cast<double>(attention.qk_nope_head_dim + attention.qk_rope_head_dim);
    const double v = static_cast<double>(attention.v_head_dim);
    const double lora = static_cast<double>(attention.kv_lora_rank);
    const double rope = static_cast<double>(attention.qk_rope_head_dim);

    add_latent_projections(composer, heads);
    composer.add_gemm("attention.kv_b", attention.kv_lora_rank,
                      heads * (attention.qk_nope_head_dim + attention.v_head_dim), composer.layers.full,
                      Field::prefill_context, Field::prefill_tokens, composer.pool.weights);
    const bool in_tables = has_table_widths(attention);
    const DataType cache = composer.pool.kv.dtype;
    std::optional<PricedPlane> prefill;
    std::optional<PricedPlane> decode;
    if (in_tables) {
        prefill = composer.laws.latent_prefill(padded, cache);
        decode = composer.laws.latent_decode(heads, cache);
    }
    const double width = static_cast<double>(padded) * (qk + v);
    add_prefill_kernel(composer, {width, k_bf16_bytes * width, k_bf16_bytes * width}, std::move(prefill),
                       padding_note(heads, padded));
    add_latent_absorption(composer, h);
    add_decode_kernel(composer, {h * (2 * lora + rope), element_bytes(composer.pool.kv.dtype) * (lora + rope),
                                 k_bf16_bytes * h * (2 * lora + rope), k_mla_decode_fixed}, std::move(decode));
    composer.add_gemm("attention.o", heads * attention.v_head_dim, composer.model.hidden, composer.layers.full);
}

}  // namespace

void add_attention(Composer& composer) {
    switch (composer.model.attention.kind) {
        case AttentionKind::gqa: return add_grouped_query(composer);
        case AttentionKind::mla: return add_latent(composer);
    }
}

}  // namespace replayd::cost
