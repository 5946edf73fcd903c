#pragma once
// Bytes that a sequence keeps on one GPU: KV cache per token, and what does not grow with the context: the state of
// linear-attention layers and the window of sliding-window layers.

#include "replay/base/units.hpp"
#include "replay/catalog/pipeline_stage.hpp"
#include "replay/catalog/scenario.hpp"

namespace replayd {

/// How KV entries are stored.
struct KvFormat {
    DataType dtype = DataType::bf16;
    bool flashmla = false;  ///< latent attention in fp8 as FlashMLA stores it
};

[[nodiscard]] inline KvFormat kv_format(const KvSpec& kv) { return {kv.dtype, kv.flashmla}; }

/// Layers of a stage whose KV cache grows with the context. A model whose every layer has a window counts all of them:
/// its cache grows until the window is full.
[[nodiscard]] std::int64_t growing_layers(const ModelSpec& model, const PipelineStage& stage);

/// KV cache of one token over `layers` layers on one of `tensor` ranks. GQA: key and value of ceil(kv_heads / tensor)
/// heads. MLA: the latent and the rotary key, on every rank in full; FlashMLA's fp8 layout has 512 fp8 values,
/// 4 fp32 scales and 64 rotary values in 16 bit for DeepSeek's ranks, 656 bytes (deepseek-ai/FlashMLA, README).
[[nodiscard]] Bytes kv_bytes_per_token(const ModelSpec& model, std::int64_t layers, std::int64_t tensor,
                                       KvFormat format);

/// Fixed state of one sequence over `layers` gated-delta-net layers on one of `tensor` ranks: the recurrent matrix
/// of every value head in fp32 and the last conv_kernel − 1 inputs of the convolution in 16 bit.
[[nodiscard]] Bytes state_bytes_per_request(const ModelSpec& model, std::int64_t layers, std::int64_t tensor);

/// KV of one sequence in the sliding-window layers beside growing ones: a full window, which touches one block more
/// than it fills when it begins inside a block. 0 where no layer or every layer has a window.
[[nodiscard]] Bytes window_bytes_per_request(const ModelSpec& model, const PipelineStage& stage, std::int64_t tensor,
                                             const KvSpec& kv);

}  // namespace replayd
