#pragma once
// Bytes that a sequence keeps on one GPU: KV cache per token, and the fixed state of linear-attention layers.

#include "replay/base/units.hpp"
#include "replay/catalog/model_spec.hpp"

namespace replayd {

/// KV cache of one token over `layers` full-attention layers on one of `tensor` ranks. GQA: key and value of
/// ceil(kv_heads / tensor) heads. MLA: the latent and the rotary key, on every rank in full.
[[nodiscard]] Bytes kv_bytes_per_token(const ModelSpec& model, std::int64_t layers, std::int64_t tensor, DataType dtype);

/// Fixed state of one sequence over `layers` gated-delta-net layers on one of `tensor` ranks: the recurrent matrix
/// of every value head in fp32 and the last conv_kernel − 1 inputs of the convolution in 16 bit.
[[nodiscard]] Bytes state_bytes_per_request(const ModelSpec& model, std::int64_t layers, std::int64_t tensor);

}  // namespace replayd
