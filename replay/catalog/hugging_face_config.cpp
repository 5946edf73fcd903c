#include "replay/catalog/hugging_face_config.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "replay/catalog/json_tree.hpp"
#include "replay/catalog/spec_toml.hpp"

namespace replayd {
namespace {

constexpr IntegerRange k_layers{1, 1'000};
constexpr IntegerRange k_width{1, 262'144};
constexpr IntegerRange k_vocab{1, 10'000'000};
constexpr IntegerRange k_heads{1, 1'024};
constexpr IntegerRange k_head_dim{1, 4'096};
constexpr IntegerRange k_experts{2, 4'096};
constexpr IntegerRange k_context{1, 100'000'000};

enum class Family {
    llama, mistral, mixtral, phi3, gemma2, gemma3, glm4_moe, qwen2, qwen2_moe, qwen3, qwen3_moe, qwen3_next, deepseek,
    step3
};

constexpr std::array<Choice<Family>, 17> k_families = {{{"llama", Family::llama},
                                                        {"mistral", Family::mistral},
                                                        {"mixtral", Family::mixtral},
                                                        {"phi3", Family::phi3},
                                                        {"gemma2", Family::gemma2},
                                                        {"gemma3_text", Family::gemma3},
                                                        {"glm4_moe", Family::glm4_moe},
                                                        {"qwen2", Family::qwen2},
                                                        {"qwen2_moe", Family::qwen2_moe},
                                                        {"qwen3", Family::qwen3},
                                                        {"qwen3_moe", Family::qwen3_moe},
                                                        {"qwen3_next", Family::qwen3_next},
                                                        {"deepseek_v2", Family::deepseek},
                                                        {"deepseek_v3", Family::deepseek},
                                                        {"kimi_k2", Family::deepseek},
                                                        {"step3_text", Family::step3},
                                                        {"step3", Family::step3}}};

/// Reads one config; keys it does not ask for are left alone, since a config holds much that memory does not depend on.
class ConfigReader {
public:
    explicit ConfigReader(TableReader& table)
        : table_(table), family_(table.choice<Family>("model_type", k_families)) {}

    ModelSpec read() {
        ModelSpec out;
        out.layers = table_.integer("num_hidden_layers", k_layers);
        out.hidden = table_.integer("hidden_size", k_width);
        out.vocab = table_.integer("vocab_size", k_vocab);
        out.max_context = either({"max_position_embeddings", "max_position_embedding"}, k_context);
        out.tied_embeddings = table_.flag("tie_word_embeddings", gemma());
        if (gemma()) out.layer_norms = 4;
        refuse_flag("mlp_bias");
        out.attention = family_ == Family::deepseek ? latent_attention() : grouped_attention(out);
        if (family_ == Family::qwen3_next) out.linear_attention = linear_attention(out.layers);
        out.moe = experts(out);
        out.mtp_layers = table_.integer("num_nextn_predict_layers", {0, 16}, 0);
        if (out.moe_layers() < out.layers) out.ffn = table_.integer("intermediate_size", k_width);
        out.weights = weights();
        return out;
    }

private:
    /// The first of several spellings that is there; without a fallback one must be.
    std::int64_t either(std::initializer_list<std::string_view> keys, IntegerRange range,
                        std::optional<std::int64_t> fallback = std::nullopt) {
        for (const std::string_view key : keys) {
            if (table_.has(key)) return table_.integer(key, range);
        }
        return table_.integer(*keys.begin(), range, fallback);
    }

    void refuse_flag(std::string_view key) {
        if (table_.flag(key, false)) table_.refuse(key, "true", "expected false: its parameters are not counted");
    }

    bool gemma() const { return family_ == Family::gemma2 || family_ == Family::gemma3; }

    AttentionSpec grouped_attention(const ModelSpec& model) {
        AttentionSpec out;
        out.q_heads = table_.integer("num_attention_heads", k_heads);
        out.kv_heads = either({"num_key_value_heads", "num_attention_groups"}, k_heads, out.q_heads);
        out.head_dim = table_.integer("head_dim", k_head_dim, std::max<std::int64_t>(1, model.hidden / out.q_heads));
        if (out.q_heads % out.kv_heads != 0) {
            table_.refuse("num_key_value_heads", std::to_string(out.kv_heads),
                          "expected a divisor of num_attention_heads = " + std::to_string(out.q_heads));
        }
        const bool bias = table_.flag("attention_bias", false);
        out.qkv_bias = bias || family_ == Family::qwen2 || family_ == Family::qwen2_moe;
        out.output_bias = bias && family_ != Family::glm4_moe;
        out.qk_norm = family_ == Family::qwen3 || family_ == Family::qwen3_moe || family_ == Family::qwen3_next ||
                      family_ == Family::gemma3 || table_.flag("use_qk_norm", false);
        out.gated_query = family_ == Family::qwen3_next;
        if (family_ == Family::step3) out.q_lora_rank = table_.integer("share_q_dim", k_width);
        const double rotated = table_.real("partial_rotary_factor", {0, 1}, 1);
        if (rotated < 1) out.rotary_dim = static_cast<std::int64_t>(rotated * static_cast<double>(out.head_dim));
        out.sliding_window = sliding_window();
        if (out.sliding_window > 0) out.global_interval = global_interval(model.layers);
        return out;
    }

    /// Qwen files state a window that is used only where they say so; others use the window that they state.
    std::int64_t sliding_window() {
        const std::int64_t window = table_.integer("sliding_window", {0, k_context.most}, 0);
        const bool used =
            gemma() || family_ == Family::mistral || family_ == Family::mixtral || family_ == Family::phi3;
        return table_.flag("use_sliding_window", used) ? window : 0;
    }

    /// Which layers look back further than the window: from the list of layer types, or the family's pattern. 0: none.
    std::int64_t global_interval(std::int64_t layers) {
        if (table_.has("layer_types")) return listed_interval(layers);
        if (family_ == Family::gemma2) return 2;
        return table_.integer("sliding_window_pattern", {0, layers}, family_ == Family::gemma3 ? 6 : 0);
    }

    std::int64_t listed_interval(std::int64_t layers) {
        const TomlNode* list = table_.any("layer_types");
        const auto full = [&](std::size_t layer) { return list->children[layer].text == "full_attention"; };
        std::size_t interval = 0;
        while (interval < list->children.size() && !full(interval)) ++interval;
        bool ok = list->children.size() == static_cast<std::size_t>(layers);
        for (std::size_t i = 0; ok && i < list->children.size(); ++i) ok = full(i) == ((i + 1) % (interval + 1) == 0);
        if (!ok) {
            table_.refuse(
                "layer_types", list->shown(),
                "expected num_hidden_layers = " + std::to_string(layers) +
                    " entries with \"full_attention\" at a fixed distance, the first ones \"sliding_attention\"");
            return 0;
        }
        return interval == list->children.size() ? 0 : static_cast<std::int64_t>(interval + 1);
    }

    AttentionSpec latent_attention() {
        AttentionSpec out;
        out.kind = AttentionKind::mla;
        out.q_heads = out.kv_heads = table_.integer("num_attention_heads", k_heads);
        out.q_lora_rank = table_.integer("q_lora_rank", {0, k_width.most}, 0);
        out.kv_lora_rank = table_.integer("kv_lora_rank", k_width);
        out.qk_nope_head_dim = table_.integer("qk_nope_head_dim", k_head_dim);
        out.qk_rope_head_dim = table_.integer("qk_rope_head_dim", k_head_dim);
        out.v_head_dim = table_.integer("v_head_dim", k_head_dim);
        out.head_dim = out.qk_nope_head_dim + out.qk_rope_head_dim;
        refuse_flag("attention_bias");
        return out;
    }

    LinearAttentionSpec linear_attention(std::int64_t layers) {
        LinearAttentionSpec out;
        out.k_heads = table_.integer("linear_num_key_heads", k_heads);
        out.k_head_dim = table_.integer("linear_key_head_dim", k_head_dim);
        out.v_heads = table_.integer("linear_num_value_heads", k_heads);
        out.v_head_dim = table_.integer("linear_value_head_dim", k_head_dim);
        out.conv_kernel = table_.integer("linear_conv_kernel_dim", {1, 64});
        out.full_attention_interval =
            table_.integer("full_attention_interval", {2, std::max<std::int64_t>(2, layers)}, 4);
        return out;
    }

    std::optional<MoeSpec> experts(const ModelSpec& model) {
        const std::initializer_list<std::string_view> keys = {"num_experts", "n_routed_experts",
                                                              "num_local_experts", "moe_num_experts"};
        const bool sparse = family_ == Family::mixtral || family_ == Family::qwen2_moe ||
                            family_ == Family::qwen3_moe || family_ == Family::glm4_moe ||
                            family_ == Family::qwen3_next || family_ == Family::step3;
        const bool named = std::any_of(keys.begin(), keys.end(), [&](std::string_view key) { return table_.has(key); });
        if (!sparse && !named) return std::nullopt;
        MoeSpec out;
        out.experts = either(keys, k_experts);
        const bool counted = !table_.errors().any();
        out.top_k = either({"num_experts_per_tok", "moe_top_k"}, {1, counted ? out.experts : k_experts.most});
        out.ffn = family_ == Family::mixtral ? table_.integer("intermediate_size", k_width)
                                             : table_.integer("moe_intermediate_size", k_width);
        shared_experts(out);
        if (table_.has("n_group") && counted) expert_groups(out);
        out.router_bias = family_ == Family::glm4_moe || table_.text("topk_method", "") == "noaux_tc";
        dense_layers(out, model.layers);
        return out;
    }

    /// Null in models that do not limit groups.
    void expert_groups(MoeSpec& out) {
        if (table_.any("n_group")->kind != TomlNode::Kind::integer) return;
        out.groups = table_.integer("n_group", {1, out.experts});
        out.groups_per_token = table_.integer("topk_group", {1, std::max<std::int64_t>(1, out.groups)}, out.groups);
        if (out.experts % std::max<std::int64_t>(1, out.groups) != 0) {
            table_.refuse("n_group", std::to_string(out.groups),
                          "expected a divisor of the " + std::to_string(out.experts) + " experts");
        }
    }

    void shared_experts(MoeSpec& out) {
        out.shared_experts = either({"num_shared_experts", "n_shared_experts"}, {0, k_experts.most}, 0);
        out.shared_ffn = out.shared_experts * out.ffn;
        const std::int64_t width =
            either({"shared_expert_intermediate_size", "share_expert_dim"}, {0, k_width.most}, 0);
        if (width > 0) {
            out.shared_experts = 1;
            out.shared_ffn = width;
        }
        out.shared_gate = family_ == Family::qwen3_next || family_ == Family::qwen2_moe;
    }

    void dense_layers(MoeSpec& out, std::int64_t layers) {
        out.first_dense_layers = table_.integer("first_k_dense_replace", {0, layers - 1}, 0);
        need_one("decoder_sparse_step");
        need_one("moe_layer_freq");
        if (const TomlNode* list = table_.any("mlp_only_layers"); list != nullptr && !list->children.empty()) {
            table_.refuse("mlp_only_layers", list->shown(),
                          "expected an empty list: the dense layers are counted from the ends");
        }
        if (table_.has("moe_layers_enum")) read_moe_layers(out, layers);
    }

    void need_one(std::string_view key) {
        const std::int64_t every = table_.integer(key, {0, k_layers.most}, 1);
        if (every != 1) {
            table_.refuse(key, std::to_string(every), "expected 1: experts in every layer after the first dense ones");
        }
    }

    /// Step-3 lists the layers that have experts: "4,5,…,59".
    void read_moe_layers(MoeSpec& out, std::int64_t layers) {
        const std::string list = table_.text("moe_layers_enum");
        std::int64_t first = -1;
        std::int64_t last = -1;
        const char* at = list.data();
        const char* const end = list.data() + list.size();
        bool ok = !list.empty();
        while (ok && at < end) {
            std::int64_t layer = 0;
            const auto parsed = std::from_chars(at, end, layer);
            ok = parsed.ec == std::errc() && (first < 0 || layer == last + 1) && layer >= 0 && layer < layers;
            if (first < 0) first = layer;
            last = layer;
            at = parsed.ptr < end && *parsed.ptr == ',' ? parsed.ptr + 1 : parsed.ptr;
            ok = ok && (parsed.ptr == end || *parsed.ptr == ',');
        }
        if (!ok) {
            table_.refuse("moe_layers_enum", '"' + list + '"', "expected layers one after another, such as \"4,5,6\"");
            return;
        }
        out.first_dense_layers = first;
        out.last_dense_layers = layers - 1 - last;
    }

    DataType weights() {
        const TomlNode* node = table_.table("quantization_config", false);
        if (node == nullptr) return DataType::bf16;
        TableReader quantization(*node, table_.path_of("quantization_config"), table_.errors());
        const std::string method = quantization.text("quant_method");
        if (method == "fp8") return DataType::fp8;
        if (method == "awq" || method == "gptq") {
            return quantization.integer("bits", {4, 8}) == 4 ? DataType::int4 : DataType::int8;
        }
        quantization.refuse("quant_method", '"' + method + '"', "expected fp8, awq or gptq");
        return DataType::bf16;
    }

    TableReader& table_;
    Family family_;
};

}  // namespace

Result<ModelSpec> parse_hugging_face_config(std::string_view json, std::string_view name) {
    const auto document = parse_json_object(json, name);
    if (!document) return tl::unexpected(document.error());
    TomlErrors errors(name);
    const TomlNode* text_config = document->find("text_config");
    TableReader table(text_config != nullptr ? *text_config : *document, text_config != nullptr ? "text_config" : "",
                      errors);
    ModelSpec model = ConfigReader(table).read();
    if (errors.any()) return tl::unexpected(errors.first());
    model.name = std::string(name);
    model.source = "Hugging Face config.json of " + model.name;
    return model;
}

}  // namespace replayd
