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
    std::string name;               ///< "attention", "routed experts", …
    std::int64_t elements = 0;      ///< on one GPU
    std::int64_t blocks = 0;        ///< tiles of 128 × 128 that cover its matrices: fp8 scales
    std::int64_t channels = 0;      ///< output channels of its matrices: int8 scales
    bool quantized = false;         ///< follows the pool's weight type; otherwise 16-bit under every type
    std::string formula;
};

/// What one GPU of a pipeline stage holds (the fullest one where shares are uneven), without empty parts.
/// Tensor ranks split heads and FFN columns; key-value heads, once fewer than ranks, norms, routers and MLA's
/// down-projections are replicated; routed experts and their redundant copies spread over `expert` ranks, each cut
/// into tensor × data / expert slices.
[[nodiscard]] std::vector<WeightPart> weight_parts(const ModelSpec& model, const ParallelSpec& parallel,
                                                   const PipelineStage& stage);

/// What `layers` multi-token-prediction layers add to one GPU of the last stage: a decoder layer each, the projection
/// of the embedding and the hidden state beside each other, three norms; embedding and head are the model's, of which
/// the stage needs its own copy of the embedding where it is not the first (DeepSeek-V3 report, section 2.2).
[[nodiscard]] std::vector<WeightPart> mtp_parts(const ModelSpec& model, const ParallelSpec& parallel,
                                                const PipelineStage& stage, std::int64_t layers);

/// Parameters of the whole model, without multi-token-prediction layers.
[[nodiscard]] std::int64_t parameter_count(const ModelSpec& model);

/// Parameters of the multi-token-prediction layers of the checkpoint, without what they share with the model.
[[nodiscard]] std::int64_t mtp_parameter_count(const ModelSpec& model);

/// Parameters that one token is multiplied with: routed experts count top_k times, the embedding not at all (it is
/// looked up); published "active" figures count the embedding for some models and leave it out for others.
[[nodiscard]] std::int64_t active_parameter_count(const ModelSpec& model);

/// Bytes of a part in the pool's weight type, scales included: fp8 with one fp32 scale per 128 × 128 block (DeepSeek-V3
/// report, arXiv 2412.19437, section 3.3.2), int8 with one fp32 scale per output channel (SmoothQuant and LLM.int8
/// checkpoints as vLLM loads them), int4 with a 16-bit scale and a 4-bit zero point per group of 128 (AWQ,
/// arXiv 2306.00978). A part that is not quantized has 16 bits an element under every type.
[[nodiscard]] Bytes weight_bytes(const WeightPart& part, DataType type);

/// Elements of MLA's kv_b projection on one GPU of the stage.
[[nodiscard]] std::int64_t mla_kv_b_elements(const ModelSpec& model, const ParallelSpec& parallel,
                                             const PipelineStage& stage);

}  // namespace replayd
