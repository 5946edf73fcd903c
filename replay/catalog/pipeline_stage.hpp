#pragma once
// Which layers a pipeline stage holds.

#include <cstdint>

#include "replay/catalog/model_spec.hpp"

namespace replayd {

/// Layers of one pipeline stage, by kind.
struct PipelineStage {
    std::int64_t first = 0;  ///< index of its first layer
    std::int64_t layers = 0;
    std::int64_t full_attention = 0;    ///< layers with a KV cache
    std::int64_t windowed = 0;          ///< of those, layers that look back at a sliding window only
    std::int64_t linear_attention = 0;  ///< layers with a fixed state
    std::int64_t moe = 0;
    std::int64_t dense = 0;  ///< layers with the dense FFN
    bool holds_embedding = false;  ///< the first stage
    bool holds_head = false;       ///< the last stage

    bool operator==(const PipelineStage&) const = default;
};

/// Stage `stage` of `stages` (0 <= stage < stages <= layers). Layers that do not divide evenly go one each to the
/// stages before the last, from the back, as vLLM does it (vllm/distributed/utils.py, get_pp_indices): 61 layers on
/// 4 stages are 15, 15, 16, 15.
[[nodiscard]] PipelineStage pipeline_stage(const ModelSpec& model, std::int64_t stages, std::int64_t stage);

}  // namespace replayd
