#include "replay/memory/kv_bytes.hpp"

namespace replayd {
namespace {

/// Bits of one token in one layer on one rank.
std::int64_t token_bits(const AttentionSpec& a, std::int64_t tensor, KvFormat format) {
    if (a.kind != AttentionKind::mla) return 2 * ceil_div(a.kv_heads, tensor) * a.head_dim * bits(format.dtype);
    if (!format.flashmla) return (a.kv_lora_rank + a.qk_rope_head_dim) * bits(format.dtype);
    constexpr std::int64_t k_values_per_scale = 128;
    const std::int64_t scales = ceil_div(a.kv_lora_rank, k_values_per_scale);
    return a.kv_lora_rank * bits(DataType::fp8) + scales * bits(DataType::fp32) +
           a.qk_rope_head_dim * bits(DataType::bf16);
}

bool every_layer_has_a_window(const ModelSpec& model) {
    return model.attention.sliding_window > 0 && model.attention.global_interval == 0;
}

}  // namespace

std::int64_t growing_layers(const ModelSpec& model, const PipelineStage& stage) {
    return every_layer_has_a_window(model) ? stage.full_attention : stage.full_attention - stage.windowed;
}

Bytes kv_bytes_per_token(const ModelSpec& model, std::int64_t layers, std::int64_t tensor, KvFormat format) {
    return Bytes(ceil_div(layers * token_bits(model.attention, tensor, format), 8));
}

Bytes state_bytes_per_request(const ModelSpec& model, std::int64_t layers, std::int64_t tensor) {
    if (!model.linear_attention) return Bytes(0);
    constexpr std::int64_t k_recurrent_bytes = 4;
    constexpr std::int64_t k_conv_bytes = 2;
    const LinearAttentionSpec& a = *model.linear_attention;
    const std::int64_t recurrent = a.v_heads / tensor * a.k_head_dim * a.v_head_dim;
    const std::int64_t channels = 2 * (a.k_heads / tensor) * a.k_head_dim + a.v_heads / tensor * a.v_head_dim;
    return Bytes(layers * (recurrent * k_recurrent_bytes + channels * (a.conv_kernel - 1) * k_conv_bytes));
}

Bytes window_bytes_per_request(const ModelSpec& model, const PipelineStage& stage, std::int64_t tensor,
                               const KvSpec& kv) {
    if (stage.windowed == 0 || every_layer_has_a_window(model)) return Bytes(0);
    const std::int64_t blocks = ceil_div(model.attention.sliding_window, kv.block.value) + 1;
    return kv_bytes_per_token(model, stage.windowed, tensor, kv_format(kv)) * (blocks * kv.block.value);
}

}  // namespace replayd
