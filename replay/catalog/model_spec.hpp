#pragma once
// Architecture of a model, as its Hugging Face config.json states it. All dimensions in elements.

#include <cstdint>
#include <optional>
#include <string>

namespace replayd {

enum class DataType { bf16, fp8, int8, int4, fp32 };

/// Bits per element (int4 is packed): 16, 8, 8, 4, 32.
[[nodiscard]] constexpr std::int64_t bits(DataType type) {
    switch (type) {
        case DataType::bf16: return 16;
        case DataType::fp8:
        case DataType::int8: return 8;
        case DataType::int4: return 4;
        case DataType::fp32: return 32;
    }
    return 0;
}

enum class AttentionKind {
    gqa,  ///< multi-head, grouped-query or multi-query attention
    mla,  ///< multi-head latent attention (DeepSeek-V2/V3)
};

struct AttentionSpec {
    AttentionKind kind = AttentionKind::gqa;
    std::int64_t q_heads = 0;
    std::int64_t kv_heads = 0;      ///< MLA: equals q_heads
    std::int64_t head_dim = 0;      ///< GQA: of queries, keys and values; MLA: qk_nope_head_dim + qk_rope_head_dim
    bool qkv_bias = false;          ///< bias on the q, k, v projections
    bool output_bias = false;       ///< bias on the output projection
    bool qk_norm = false;           ///< RMS norm on each head's query and key
    bool gated_query = false;       ///< the query projection also yields an output gate (Qwen3-Next): 2 × q
    std::int64_t q_lora_rank = 0;   ///< MLA, and Step-3's MFA (gqa); 0: the query is projected directly
    std::int64_t kv_lora_rank = 0;  ///< MLA
    std::int64_t qk_nope_head_dim = 0;
    std::int64_t qk_rope_head_dim = 0;
    std::int64_t v_head_dim = 0;
    std::int64_t rotary_dim = 0;       ///< of a GQA head; 0: the whole head is rotated
    std::int64_t sliding_window = 0;   ///< tokens that a windowed layer looks back at; 0: no layer has a window
    std::int64_t global_interval = 0;  ///< layers with (layer+1) % interval == 0 have no window; 0: every layer has one
};

/// Gated delta net layers of a hybrid model; full attention on layers with (layer+1) % interval == 0.
struct LinearAttentionSpec {
    std::int64_t k_heads = 0;
    std::int64_t k_head_dim = 0;
    std::int64_t v_heads = 0;
    std::int64_t v_head_dim = 0;
    std::int64_t conv_kernel = 0;
    std::int64_t full_attention_interval = 0;
};

struct MoeSpec {
    std::int64_t experts = 0;
    std::int64_t top_k = 0;
    std::int64_t ffn = 0;                ///< intermediate size of one routed expert
    std::int64_t shared_experts = 0;
    std::int64_t shared_ffn = 0;         ///< intermediate size of all shared experts together
    bool shared_gate = false;            ///< a sigmoid gate on the shared expert (Qwen3-Next)
    std::int64_t groups = 1;             ///< equal groups of experts that the router knows (DeepSeek-V3: 8)
    std::int64_t groups_per_token = 1;   ///< groups that a token's experts may lie in, at most
    bool router_bias = false;            ///< score-correction bias (DeepSeek-V3)
    std::int64_t first_dense_layers = 0; ///< leading layers with the dense FFN
    std::int64_t last_dense_layers = 0;  ///< trailing layers with the dense FFN (Step-3)
};

struct ModelSpec {
    std::string name;             ///< catalog name, e.g. "Llama-3.1-8B"
    std::int64_t layers = 0;
    std::int64_t hidden = 0;
    std::int64_t vocab = 0;
    std::int64_t ffn = 0;         ///< intermediate size of the dense FFN; 0 if no layer is dense
    std::int64_t layer_norms = 2; ///< of a layer, each hidden wide; Gemma 2 and 3 have 4
    bool gated_ffn = true;        ///< gate, up, down (3 matrices) against up, down (2)
    bool tied_embeddings = false;
    std::int64_t max_context = 0; ///< tokens: max_position_embeddings
    std::int64_t mtp_layers = 0;  ///< multi-token-prediction layers that follow the model's own in the checkpoint
    DataType weights = DataType::bf16;  ///< precision of the released checkpoint
    AttentionSpec attention;
    std::optional<LinearAttentionSpec> linear_attention;
    std::optional<MoeSpec> moe;
    std::string source;           ///< where the figures come from

    /// Layers with full attention or a sliding window (all, or the full-attention ones of a hybrid).
    [[nodiscard]] std::int64_t full_attention_layers() const;
    /// Layers with routed experts.
    [[nodiscard]] std::int64_t moe_layers() const;
};

}  // namespace replayd
