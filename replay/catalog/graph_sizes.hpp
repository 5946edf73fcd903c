#pragma once
// The batch sizes that vLLM captures CUDA graphs for; a smaller batch runs as the next one. Source: vllm-project/vllm,
// vllm/config/vllm.py, _set_cudagraph_sizes (v0.19): 1, 2, 4, every 8th to 256, every 16th beyond.

#include <cstdint>
#include <vector>

namespace replayd {

/// The captured size that holds `rows`, were there no largest one.
[[nodiscard]] constexpr std::int64_t graph_size_for(std::int64_t rows) {
    if (rows <= 2) return rows;
    const std::int64_t stride = rows <= 4 ? 4 : rows <= 256 ? 8 : 16;
    return (rows + stride - 1) / stride * stride;
}

/// Tokens that a step of `rows` runs as, where graphs are captured for up to `graph_tokens_max`; a step beyond the
/// largest captured size is not padded.
[[nodiscard]] constexpr std::int64_t padded_to_graph(std::int64_t rows, std::int64_t graph_tokens_max) {
    const std::int64_t padded = graph_size_for(rows);
    return padded <= graph_tokens_max ? padded : rows;
}

/// Every captured size up to `tokens_max`, rising.
[[nodiscard]] inline std::vector<std::int64_t> graph_sizes(std::int64_t tokens_max) {
    std::vector<std::int64_t> sizes;
    for (std::int64_t size = 1; size <= tokens_max; size = graph_size_for(size + 1)) sizes.push_back(size);
    return sizes;
}

}  // namespace replayd
