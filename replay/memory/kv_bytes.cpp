#include "replay/memory/kv_bytes.hpp"

namespace replayd {

Bytes kv_bytes_per_token(const ModelSpec& model, std::int64_t layers, std::int64_t tensor, DataType dtype) {
    const AttentionSpec& a = model.attention;
    const std::int64_t elements = a.kind == AttentionKind::mla
                                      ? a.kv_lora_rank + a.qk_rope_head_dim
                                      : 2 * ceil_div(a.kv_heads, tensor) * a.head_dim;
    return Bytes(ceil_div(layers * elements * bits(dtype), 8));
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

}  // namespace replayd
