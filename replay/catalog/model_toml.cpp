#include "replay/catalog/spec_toml.hpp"

#include <algorithm>

namespace replayd {
namespace {

// Upper bounds that keep every product of dimensions inside 64 bits, far above any published model.
constexpr IntegerRange k_layers{1, 1'000};
constexpr IntegerRange k_width{1, 65'536};
constexpr IntegerRange k_ffn{1, 262'144};
constexpr IntegerRange k_vocab{1, 10'000'000};
constexpr IntegerRange k_heads{1, 1'024};
constexpr IntegerRange k_head_dim{1, 4'096};
constexpr IntegerRange k_lora_rank{1, 65'536};
constexpr IntegerRange k_experts{2, 4'096};
constexpr IntegerRange k_context{1, 100'000'000};

constexpr std::array<Choice<AttentionKind>, 2> k_attention_kinds = {
    {{"gqa", AttentionKind::gqa}, {"mla", AttentionKind::mla}}};

void read_gqa(TableReader& table, AttentionSpec& out) {
    out.kv_heads = table.integer("kv_heads", k_heads);
    out.head_dim = table.integer("head_dim", k_head_dim);
    out.qkv_bias = table.flag("qkv_bias", false);
    out.qk_norm = table.flag("qk_norm", false);
    out.output_bias = table.flag("output_bias", false);
    out.gated_query = table.flag("gated_query", false);
    out.q_lora_rank = table.integer("q_lora_rank", {0, k_lora_rank.most}, 0);
    out.rotary_dim = table.integer("rotary_dim", {0, out.head_dim}, 0);
    out.sliding_window = table.integer("sliding_window", {0, k_context.most}, 0);
    if (out.sliding_window > 0) out.global_interval = table.integer("global_interval", {0, k_layers.most}, 0);
    if (!table.errors().any() && out.q_heads % out.kv_heads != 0) {
        table.refuse("kv_heads", std::to_string(out.kv_heads),
                     "expected a divisor of q_heads = " + std::to_string(out.q_heads));
    }
}

void read_mla(TableReader& table, AttentionSpec& out) {
    out.kv_heads = out.q_heads;
    out.q_lora_rank = table.integer("q_lora_rank", {0, k_lora_rank.most}, 0);
    out.kv_lora_rank = table.integer("kv_lora_rank", k_lora_rank);
    out.qk_nope_head_dim = table.integer("qk_nope_head_dim", k_head_dim);
    out.qk_rope_head_dim = table.integer("qk_rope_head_dim", k_head_dim);
    out.v_head_dim = table.integer("v_head_dim", k_head_dim);
    out.head_dim = out.qk_nope_head_dim + out.qk_rope_head_dim;
}

AttentionSpec read_attention(TableReader table) {
    AttentionSpec out;
    out.kind = table.choice<AttentionKind>("kind", k_attention_kinds);
    out.q_heads = table.integer("q_heads", k_heads);
    if (out.kind == AttentionKind::gqa) read_gqa(table, out);
    if (out.kind == AttentionKind::mla) read_mla(table, out);
    table.finish();
    return out;
}

LinearAttentionSpec read_linear_attention(TableReader table, std::int64_t layers) {
    LinearAttentionSpec out;
    out.k_heads = table.integer("k_heads", k_heads);
    out.k_head_dim = table.integer("k_head_dim", k_head_dim);
    out.v_heads = table.integer("v_heads", k_heads);
    out.v_head_dim = table.integer("v_head_dim", k_head_dim);
    out.conv_kernel = table.integer("conv_kernel", {1, 64});
    out.full_attention_interval = table.integer("full_attention_interval", {2, std::max<std::int64_t>(2, layers)});
    table.finish();
    return out;
}

/// Groups are equal, and those of one token hold its experts.
void check_groups(TableReader& table, const MoeSpec& moe) {
    if (moe.experts % moe.groups != 0) {
        table.refuse("groups", std::to_string(moe.groups),
                     "expected a divisor of experts = " + std::to_string(moe.experts));
    } else if (moe.experts / moe.groups * moe.groups_per_token < moe.top_k) {
        table.refuse("groups_per_token", std::to_string(moe.groups_per_token),
                     "expected enough groups of " + std::to_string(moe.experts / moe.groups) +
                         " experts to hold top_k = " + std::to_string(moe.top_k));
    }
}

MoeSpec read_moe(TableReader table, std::int64_t layers) {
    MoeSpec out;
    out.experts = table.integer("experts", k_experts);
    out.top_k = table.integer("top_k", {1, out.experts});
    out.ffn = table.integer("ffn", k_ffn);
    out.shared_experts = table.integer("shared_experts", {0, k_experts.most}, 0);
    if (out.shared_experts > 0) out.shared_ffn = table.integer("shared_ffn", k_ffn);
    out.shared_gate = table.flag("shared_gate", false);
    out.groups = table.integer("groups", {1, out.experts}, 1);
    out.groups_per_token = table.integer("groups_per_token", {1, out.groups}, out.groups);
    if (!table.errors().any()) check_groups(table, out);
    out.router_bias = table.flag("router_bias", false);
    out.first_dense_layers = table.integer("first_dense_layers", {0, layers - 1}, 0);
    out.last_dense_layers = table.integer("last_dense_layers", {0, layers - 1 - out.first_dense_layers}, 0);
    table.finish();
    return out;
}

}  // namespace

ModelSpec read_model(TableReader& table, const std::string& name) {
    ModelSpec out;
    out.name = name;
    out.layers = table.integer("layers", k_layers);
    out.hidden = table.integer("hidden", k_width);
    out.vocab = table.integer("vocab", k_vocab);
    out.layer_norms = table.integer("layer_norms", {1, 8}, 2);
    out.gated_ffn = table.flag("gated_ffn", true);
    out.tied_embeddings = table.flag("tied_embeddings", false);
    out.max_context = table.integer("max_context", k_context);
    out.mtp_layers = table.integer("mtp_layers", {0, 16}, 0);
    out.weights = table.choice<DataType>("weights", k_weight_types, DataType::bf16);
    out.source = table.text("source");
    if (const TomlNode* node = table.table("attention", true)) {
        out.attention = read_attention(TableReader(*node, table.path_of("attention"), table.errors()));
    }
    if (const TomlNode* node = table.table("linear_attention", false)) {
        out.linear_attention = read_linear_attention(
            TableReader(*node, table.path_of("linear_attention"), table.errors()), out.layers);
    }
    if (const TomlNode* node = table.table("moe", false)) {
        out.moe = read_moe(TableReader(*node, table.path_of("moe"), table.errors()), out.layers);
    }
    // Models whose every layer has experts state a dense width that no layer uses; it is left out here.
    if (out.moe_layers() < out.layers) out.ffn = table.integer("ffn", k_ffn);
    table.finish();
    return out;
}

}  // namespace replayd
