#pragma once
// The batch sizes that vLLM captures CUDA graphs for; a smaller batch runs as the next one. Source: vllm-project/vllm,
// vllm/config/vllm.py, _set_cudagraph_sizes (v0.19): 1, 2, 4, every 8th to 256, every 16th beyond.

#include <cstdint>

namespace replayd::cost {

/// Tokens that a step of `rows` runs as. `graph_tokens_max` is the largest captured batch; larger steps are not padded.
[[nodiscard]] constexpr std::int64_t padded_to_graph(std::int64_t rows, std::int64_t graph_tokens_max) {
    if (rows > graph_tokens_max || rows <= 2) return rows;
    const std::int64_t stride = rows <= 4 ? 4 : rows <= 256 ? 8 : 16;
    const std::int64_t padded = (rows + stride - 1) / stride * stride;
    return padded < graph_tokens_max ? padded : graph_tokens_max;
}

}  // namespace replayd::cost
