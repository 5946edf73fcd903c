#pragma once
// Parameters of a model by component, and the share of one GPU under tensor, pipeline and expert parallelism.

#include <cstdint>
#include <string>
#include <vector>

#include "replay/base/units.hpp"
#include "replay/catalog/pipeline_stage.hpp"
#include "replay/catalog/scenario.hpp"

namespace replayd {

struct WeightPart {
    std::string name;            ///< "attention", "routed experts", …
    std::int64_t elements = 0;   ///< on one GPU
    bool quantized = false;      ///< follows the pool's weight type; otherwise 16-bit under every type
    std::string formula;
};

/// What one GPU of a pipeline stage holds (the fullest one where shares are uneven), without empty parts.
/// Tensor ranks split heads and FFN columns; key-value heads, once fewer than ranks, norms, routers and MLA's
/// down-projections are replicated; routed experts spread over `expert` ranks, each cut into
/// tensor × data / expert slices.
[[nodiscard]] std::vector<WeightPart> weight_parts(const ModelSpec& model, const ParallelSpec& parallel,
                                                   const PipelineStage& stage);

/// Parameters of the whole model, without multi-token-prediction layers.
[[nodiscard]] std::int64_t parameter_count(const ModelSpec& model);

/// Bytes of `elements` weights: fp8 with one fp32 scale per 128 × 128 block (DeepSeek-V3 report, arXiv 2412.19437,
/// section 3.3.2), int4 with a 16-bit scale and a 4-bit zero point per group of 128 (AWQ, arXiv 2306.00978);
/// int8's one scale per output channel (below 0.1 %) is left out.
[[nodiscard]] Bytes weight_bytes(std::int64_t elements, DataType type);

/// Elements of MLA's kv_b projection on one GPU of the stage.
[[nodiscard]] std::int64_t mla_kv_b_elements(const ModelSpec& model, const ParallelSpec& parallel,
                                             const PipelineStage& stage);

}  // namespace replayd
