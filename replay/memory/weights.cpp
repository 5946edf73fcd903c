#include "replay/memory/weights.hpp"

#include <initializer_list>

namespace replayd {
namespace {

std::string number(std::int64_t value) { return std::to_string(value); }

/// `count` matrices of `out` rows and `in` columns, or vectors with one row.
struct Shape {
    std::int64_t out = 0;
    std::int64_t in = 0;
    std::int64_t count = 1;
};

/// Side of the square that shares one fp8 scale.
constexpr std::int64_t k_scale_block = 128;

/// Collects the parts of one GPU; each holds the shapes of one layer, `layers` times.
class Parts {
public:
    void add(std::string name, bool quantized, std::int64_t layers, std::initializer_list<Shape> shapes,
             const std::string& how) {
        WeightPart part{std::move(name), 0, 0, 0, quantized, {}};
        for (const Shape& s : shapes) {
            part.elements += s.count * s.out * s.in;
            part.blocks += s.count * ceil_div(s.out, k_scale_block) * ceil_div(s.in, k_scale_block);
            part.channels += s.count * s.out;
        }
        if (layers * part.elements == 0) return;
        const std::string times = number(layers) + (layers == 1 ? " x " : " layers x ");
        part.formula = times + number(part.elements) + " (" + how + ")";
        part.elements *= layers;
        part.blocks *= layers;
        part.channels *= layers;
        parts_.push_back(std::move(part));
    }
    std::vector<WeightPart> take() { return std::move(parts_); }

private:
    std::vector<WeightPart> parts_;
};

std::int64_t vocabulary_rows(const ModelSpec& model, const ParallelSpec& parallel) {
    return ceil_div(model.vocab, parallel.tensor);
}

void add_vocabulary(const ModelSpec& model, const ParallelSpec& parallel, const PipelineStage& stage, Parts& parts) {
    const Shape table{vocabulary_rows(model, parallel), model.hidden};
    const std::string how = "vocabulary " + number(model.vocab) + " / TP " + number(parallel.tensor) + " x hidden " +
                            number(model.hidden);
    if (stage.holds_embedding) parts.add("embedding", false, 1, {table}, how);
    // A tied head needs its own copy only where the embedding is on another stage.
    const bool own_head = !model.tied_embeddings || !stage.holds_embedding;
    if (stage.holds_head && own_head) parts.add("LM head", false, 1, {table}, how);
}

void add_gqa(const ModelSpec& model, const ParallelSpec& parallel, const PipelineStage& stage, Parts& parts) {
    const AttentionSpec& a = model.attention;
    const std::int64_t layers = stage.full_attention;
    const std::int64_t q = a.q_heads / parallel.tensor * a.head_dim;
    const std::int64_t kv = ceil_div(a.kv_heads, parallel.tensor) * a.head_dim;
    const std::int64_t query = (a.gated_query ? 2 : 1) * q;
    // Step-3's low-rank query: a replicated down-projection with a norm, then the heads.
    const std::int64_t query_input = a.q_lora_rank > 0 ? a.q_lora_rank : model.hidden;
    parts.add("attention", true, layers,
              {{a.q_lora_rank, model.hidden}, {query, query_input}, {kv, model.hidden, 2}, {model.hidden, q}},
              "query " + number(query) + " from " + number(query_input) + ", key, value 2 x " + number(kv) +
                  ", output " + number(q) + ", hidden " + number(model.hidden) + ", TP " + number(parallel.tensor));
    if (a.q_lora_rank > 0) parts.add("low-rank query norm", false, layers, {{1, a.q_lora_rank}}, "low rank");
    if (a.qkv_bias) parts.add("attention bias", false, layers, {{1, query + 2 * kv}}, "query, key, value");
    if (a.output_bias) parts.add("output bias", false, layers, {{1, model.hidden}}, "hidden");
    if (a.qk_norm) parts.add("query and key norms", false, layers, {{2, a.head_dim}}, "2 x head");
}

std::int64_t mla_kv_b_per_layer(const AttentionSpec& a, std::int64_t tensor) {
    return a.kv_lora_rank * (a.q_heads / tensor) * (a.qk_nope_head_dim + a.v_head_dim);
}

void add_mla(const ModelSpec& model, const ParallelSpec& parallel, const PipelineStage& stage, Parts& parts) {
    const AttentionSpec& a = model.attention;
    const std::int64_t heads = a.q_heads / parallel.tensor;
    const std::int64_t q_input = a.q_lora_rank > 0 ? a.q_lora_rank : model.hidden;
    const std::int64_t latent = a.kv_lora_rank + a.qk_rope_head_dim;
    const std::int64_t q_b = heads * (a.qk_nope_head_dim + a.qk_rope_head_dim);
    parts.add("attention", true, stage.full_attention,
              {{a.q_lora_rank, model.hidden},
               {latent, model.hidden},
               {q_b, q_input},
               {heads * (a.qk_nope_head_dim + a.v_head_dim), a.kv_lora_rank},
               {model.hidden, heads * a.v_head_dim}},
              "q_a and kv_a " + number(model.hidden * (a.q_lora_rank + latent)) + " replicated + q_b " +
                  number(q_b * q_input) + " + kv_b " + number(mla_kv_b_per_layer(a, parallel.tensor)) + " + output " +
                  number(heads * a.v_head_dim * model.hidden) + ", TP " + number(parallel.tensor));
    parts.add("latent norms", false, stage.full_attention, {{1, a.q_lora_rank + a.kv_lora_rank}}, "q_a, kv_a");
}

void add_linear_attention(const ModelSpec& model, const ParallelSpec& parallel, const PipelineStage& stage,
                          Parts& parts) {
    const LinearAttentionSpec& a = *model.linear_attention;
    const std::int64_t keys = a.k_heads / parallel.tensor * a.k_head_dim;
    const std::int64_t v_heads = a.v_heads / parallel.tensor;
    const std::int64_t values = v_heads * a.v_head_dim;
    parts.add("linear attention", true, stage.linear_attention,
              {{2 * keys + 2 * values, model.hidden}, {2 * v_heads, model.hidden}, {model.hidden, values}},
              "query, key, value, gates " + number(model.hidden * (2 * keys + 2 * values + 2 * v_heads)) +
                  " + output " + number(values * model.hidden) + ", TP " + number(parallel.tensor));
    const std::int64_t small = a.conv_kernel * (2 * keys + values) + 2 * v_heads + a.v_head_dim;
    parts.add("linear attention, convolution and decay", false, stage.linear_attention, {{1, small}},
              "kernel " + number(a.conv_kernel) + " x " + number(2 * keys + values) + " + decay, norm");
}

void add_moe(const ModelSpec& model, const ParallelSpec& parallel, const PipelineStage& stage, Parts& parts) {
    const MoeSpec& moe = *model.moe;
    const std::int64_t in = model.gated_ffn ? 2 : 1;  // gate and up, or up
    const std::int64_t slices = parallel.tensor * parallel.data / parallel.expert;
    const std::int64_t physical = moe.experts + parallel.redundant_experts;
    const std::int64_t experts = ceil_div(physical, parallel.expert);
    const std::int64_t width = ceil_div(moe.ffn, slices);
    parts.add("routed experts", true, stage.moe, {{width, model.hidden, in * experts}, {model.hidden, width, experts}},
              number(experts) + " of " + number(physical) + " experts x " + number((in + 1) * model.hidden * width) +
                  ", EP " + number(parallel.expert) + ", each cut in " + number(slices));
    const std::int64_t shared = moe.shared_ffn / parallel.tensor;
    parts.add("shared experts", true, stage.moe, {{shared, model.hidden, in}, {model.hidden, shared}},
              number(in + 1) + " x " + number(model.hidden) + " x " + number(moe.shared_ffn) + ", TP " +
                  number(parallel.tensor));
    const std::int64_t biases = (moe.router_bias ? moe.experts : 0) + (moe.shared_gate ? model.hidden : 0);
    parts.add("router", false, stage.moe, {{moe.experts, model.hidden}, {1, biases}}, "replicated");
}

void add_ffn(const ModelSpec& model, const ParallelSpec& parallel, const PipelineStage& stage, Parts& parts) {
    const std::int64_t in = model.gated_ffn ? 2 : 1;
    const std::int64_t width = model.ffn / parallel.tensor;
    parts.add("dense FFN", true, stage.dense, {{width, model.hidden, in}, {model.hidden, width}},
              number(in + 1) + " x hidden " + number(model.hidden) + " x " + number(model.ffn) + " / TP " +
                  number(parallel.tensor));
}

void add_layers(const ModelSpec& model, const ParallelSpec& parallel, const PipelineStage& stage, Parts& parts) {
    if (model.attention.kind == AttentionKind::gqa) add_gqa(model, parallel, stage, parts);
    if (model.attention.kind == AttentionKind::mla) add_mla(model, parallel, stage, parts);
    if (model.linear_attention) add_linear_attention(model, parallel, stage, parts);
    if (model.ffn > 0) add_ffn(model, parallel, stage, parts);
    if (model.moe) add_moe(model, parallel, stage, parts);
    parts.add("layer norms", false, stage.layers, {{model.layer_norms, model.hidden}},
              number(model.layer_norms) + " x hidden");
}

std::int64_t total(const std::vector<WeightPart>& parts) {
    std::int64_t sum = 0;
    for (const WeightPart& part : parts) sum += part.elements;
    return sum;
}

/// The multi-token-prediction layers as a stage: each is a layer like the model's last one.
PipelineStage mtp_stage(const ModelSpec& model, std::int64_t layers) {
    PipelineStage stage;
    stage.first = model.layers;
    stage.layers = stage.full_attention = layers;
    stage.moe = model.moe ? layers : 0;
    stage.dense = layers - stage.moe;
    return stage;
}

}  // namespace

std::vector<WeightPart> weight_parts(const ModelSpec& model, const ParallelSpec& parallel,
                                     const PipelineStage& stage) {
    Parts parts;
    add_vocabulary(model, parallel, stage, parts);
    add_layers(model, parallel, stage, parts);
    if (stage.holds_head) parts.add("final norm", false, 1, {{1, model.hidden}}, "hidden");
    return parts.take();
}

std::vector<WeightPart> mtp_parts(const ModelSpec& model, const ParallelSpec& parallel, const PipelineStage& stage,
                                  std::int64_t layers) {
    if (layers == 0 || !stage.holds_head) return {};
    Parts parts;
    add_layers(model, parallel, mtp_stage(model, layers), parts);
    parts.add("projection", true, layers, {{model.hidden, 2 * model.hidden}}, "embedding and hidden state to hidden");
    parts.add("norms", false, layers, {{3, model.hidden}}, "embedding, hidden state, head");
    if (!stage.holds_embedding) {
        parts.add("embedding", false, 1, {{vocabulary_rows(model, parallel), model.hidden}},
                  "copy of the first stage's");
    }
    std::vector<WeightPart> out = parts.take();
    for (WeightPart& part : out) part.name = "MTP " + part.name;
    return out;
}

std::int64_t parameter_count(const ModelSpec& model) {
    return total(weight_parts(model, ParallelSpec{}, pipeline_stage(model, 1, 0)));
}

std::int64_t mtp_parameter_count(const ModelSpec& model) {
    return total(mtp_parts(model, ParallelSpec{}, pipeline_stage(model, 1, 0), model.mtp_layers));
}

std::int64_t active_parameter_count(const ModelSpec& model) {
    ModelSpec token = model;
    if (token.moe) token.moe->experts = token.moe->top_k;
    std::int64_t active = parameter_count(token);
    if (model.moe) {
        // The router looks at every expert.
        const std::int64_t router_row = model.hidden + (model.moe->router_bias ? 1 : 0);
        active += model.moe_layers() * (model.moe->experts - model.moe->top_k) * router_row;
    }
    const std::int64_t embedding = model.vocab * model.hidden;
    return model.tied_embeddings ? active : active - embedding;
}

Bytes weight_bytes(const WeightPart& part, DataType type) {
    constexpr std::int64_t k_int4_group = 128;
    constexpr std::int64_t k_int4_scale_and_zero_bits = 16 + 4;
    constexpr std::int64_t k_fp32_bits = 32;
    const DataType stored = part.quantized ? type : DataType::bf16;
    std::int64_t scale_bits = 0;
    if (stored == DataType::fp8) scale_bits = part.blocks * k_fp32_bits;
    if (stored == DataType::int8) scale_bits = part.channels * k_fp32_bits;
    if (stored == DataType::int4) scale_bits = ceil_div(part.elements, k_int4_group) * k_int4_scale_and_zero_bits;
    return Bytes(ceil_div(part.elements * bits(stored) + scale_bits, 8));
}

std::int64_t mla_kv_b_elements(const ModelSpec& model, const ParallelSpec& parallel, const PipelineStage& stage) {
    if (model.attention.kind != AttentionKind::mla) return 0;
    return stage.full_attention * mla_kv_b_per_layer(model.attention, parallel.tensor);
}

}  // namespace replayd
