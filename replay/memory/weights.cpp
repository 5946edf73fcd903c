#include "replay/memory/weights.hpp"

namespace replayd {
namespace {

std::string number(std::int64_t value) { return std::to_string(value); }

/// Collects the parts of one GPU; `layers` × `per_layer` elements each.
class Parts {
public:
    void add(std::string name, bool quantized, std::int64_t layers, std::int64_t per_layer, const std::string& how) {
        if (layers * per_layer == 0) return;
        const std::string times = number(layers) + (layers == 1 ? " x " : " layers x ");
        parts_.push_back({std::move(name), layers * per_layer, quantized, times + number(per_layer) + " (" + how + ")"});
    }
    std::vector<WeightPart> take() { return std::move(parts_); }

private:
    std::vector<WeightPart> parts_;
};

void add_vocabulary(const ModelSpec& model, const ParallelSpec& parallel, const PipelineStage& stage, Parts& parts) {
    const std::int64_t rows = ceil_div(model.vocab, parallel.tensor);
    const std::string how = "vocabulary " + number(model.vocab) + " / TP " + number(parallel.tensor) + " x hidden " +
                            number(model.hidden);
    if (stage.holds_embedding) parts.add("embedding", false, 1, rows * model.hidden, how);
    // A tied head needs its own copy only where the embedding is on another stage.
    const bool own_head = !model.tied_embeddings || !stage.holds_embedding;
    if (stage.holds_head && own_head) parts.add("LM head", false, 1, rows * model.hidden, how);
}

void add_gqa(const ModelSpec& model, const ParallelSpec& parallel, const PipelineStage& stage, Parts& parts) {
    const AttentionSpec& a = model.attention;
    const std::int64_t q = a.q_heads / parallel.tensor * a.head_dim;
    const std::int64_t kv = ceil_div(a.kv_heads, parallel.tensor) * a.head_dim;
    const std::int64_t query = (a.gated_query ? 2 : 1) * q;
    parts.add("attention", true, stage.full_attention, model.hidden * (query + 2 * kv + q),
              "hidden " + number(model.hidden) + " x (query " + number(query) + " + key, value 2 x " + number(kv) +
                  " + output " + number(q) + "), TP " + number(parallel.tensor));
    if (a.qkv_bias) parts.add("attention bias", false, stage.full_attention, q + 2 * kv, "query, key, value");
    if (a.qk_norm) parts.add("query and key norms", false, stage.full_attention, 2 * a.head_dim, "2 x head");
}

std::int64_t mla_kv_b_per_layer(const AttentionSpec& a, std::int64_t tensor) {
    return a.kv_lora_rank * (a.q_heads / tensor) * (a.qk_nope_head_dim + a.v_head_dim);
}

void add_mla(const ModelSpec& model, const ParallelSpec& parallel, const PipelineStage& stage, Parts& parts) {
    const AttentionSpec& a = model.attention;
    const std::int64_t heads = a.q_heads / parallel.tensor;
    const std::int64_t q_input = a.q_lora_rank > 0 ? a.q_lora_rank : model.hidden;
    const std::int64_t down = model.hidden * (a.q_lora_rank + a.kv_lora_rank + a.qk_rope_head_dim);
    const std::int64_t q_b = q_input * heads * (a.qk_nope_head_dim + a.qk_rope_head_dim);
    const std::int64_t output = heads * a.v_head_dim * model.hidden;
    const std::int64_t kv_b = mla_kv_b_per_layer(a, parallel.tensor);
    parts.add("attention", true, stage.full_attention, down + q_b + kv_b + output,
              "q_a and kv_a " + number(down) + " replicated + q_b " + number(q_b) + " + kv_b " + number(kv_b) +
                  " + output " + number(output) + ", TP " + number(parallel.tensor));
    parts.add("latent norms", false, stage.full_attention, a.q_lora_rank + a.kv_lora_rank, "q_a, kv_a");
}

void add_linear_attention(const ModelSpec& model, const ParallelSpec& parallel, const PipelineStage& stage,
                          Parts& parts) {
    const LinearAttentionSpec& a = *model.linear_attention;
    const std::int64_t keys = a.k_heads / parallel.tensor * a.k_head_dim;
    const std::int64_t v_heads = a.v_heads / parallel.tensor;
    const std::int64_t values = v_heads * a.v_head_dim;
    const std::int64_t inputs = model.hidden * (2 * keys + 2 * values + 2 * v_heads);
    const std::int64_t output = values * model.hidden;
    parts.add("linear attention", true, stage.linear_attention, inputs + output,
              "query, key, value, gates " + number(inputs) + " + output " + number(output) + ", TP " +
                  number(parallel.tensor));
    const std::int64_t small = a.conv_kernel * (2 * keys + values) + 2 * v_heads + a.v_head_dim;
    parts.add("linear attention, convolution and decay", false, stage.linear_attention, small,
              "kernel " + number(a.conv_kernel) + " x " + number(2 * keys + values) + " + decay, norm");
}

void add_moe(const ModelSpec& model, const ParallelSpec& parallel, const PipelineStage& stage, Parts& parts) {
    const MoeSpec& moe = *model.moe;
    const std::int64_t matrices = model.gated_ffn ? 3 : 2;
    const std::int64_t slices = parallel.tensor * parallel.data / parallel.expert;
    const std::int64_t experts = ceil_div(moe.experts, parallel.expert);
    const std::int64_t expert = matrices * model.hidden * ceil_div(moe.ffn, slices);
    parts.add("routed experts", true, stage.moe, experts * expert,
              number(experts) + " of " + number(moe.experts) + " experts x " + number(expert) + ", EP " +
                  number(parallel.expert) + ", each cut in " + number(slices));
    parts.add("shared experts", true, stage.moe, matrices * model.hidden * moe.shared_ffn / parallel.tensor,
              number(matrices) + " x " + number(model.hidden) + " x " + number(moe.shared_ffn) + ", TP " +
                  number(parallel.tensor));
    const std::int64_t router = moe.experts * (model.hidden + (moe.router_bias ? 1 : 0));
    parts.add("router", false, stage.moe, router + (moe.shared_gate ? model.hidden : 0), "replicated");
}

void add_ffn(const ModelSpec& model, const ParallelSpec& parallel, const PipelineStage& stage, Parts& parts) {
    const std::int64_t matrices = model.gated_ffn ? 3 : 2;
    parts.add("dense FFN", true, stage.dense, matrices * model.hidden * (model.ffn / parallel.tensor),
              number(matrices) + " x hidden " + number(model.hidden) + " x " + number(model.ffn) + " / TP " +
                  number(parallel.tensor));
}

}  // namespace

std::vector<WeightPart> weight_parts(const ModelSpec& model, const ParallelSpec& parallel,
                                     const PipelineStage& stage) {
    Parts parts;
    add_vocabulary(model, parallel, stage, parts);
    if (model.attention.kind == AttentionKind::gqa) add_gqa(model, parallel, stage, parts);
    if (model.attention.kind == AttentionKind::mla) add_mla(model, parallel, stage, parts);
    if (model.linear_attention) add_linear_attention(model, parallel, stage, parts);
    if (model.ffn > 0) add_ffn(model, parallel, stage, parts);
    if (model.moe) add_moe(model, parallel, stage, parts);
    parts.add("layer norms", false, stage.layers, 2 * model.hidden, "2 x hidden");
    if (stage.holds_head) parts.add("final norm", false, 1, model.hidden, "hidden");
    return parts.take();
}

std::int64_t parameter_count(const ModelSpec& model) {
    std::int64_t total = 0;
    for (const WeightPart& part : weight_parts(model, ParallelSpec{}, pipeline_stage(model, 1, 0))) {
        total += part.elements;
    }
    return total;
}

Bytes weight_bytes(std::int64_t elements, DataType type) {
    constexpr std::int64_t k_fp8_block = 128 * 128;
    constexpr std::int64_t k_int4_group = 128;
    constexpr std::int64_t k_fp8_scale_bits = 32;
    constexpr std::int64_t k_int4_scale_and_zero_bits = 16 + 4;
    std::int64_t scale_bits = 0;
    if (type == DataType::fp8) scale_bits = ceil_div(elements, k_fp8_block) * k_fp8_scale_bits;
    if (type == DataType::int4) scale_bits = ceil_div(elements, k_int4_group) * k_int4_scale_and_zero_bits;
    return Bytes(ceil_div(elements * bits(type) + scale_bits, 8));
}

std::int64_t mla_kv_b_elements(const ModelSpec& model, const ParallelSpec& parallel, const PipelineStage& stage) {
    if (model.attention.kind != AttentionKind::mla) return 0;
    return stage.full_attention * mla_kv_b_per_layer(model.attention, parallel.tensor);
}

}  // namespace replayd
