#pragma once
// Memory of the two roles of an AFD pool: attention GPUs hold no FFN, FFN GPUs hold no KV cache, and both hold buffers
// for the stages in flight.

#include <vector>

#include "replay/memory/memory_plan.hpp"
#include "replay/memory/weights.hpp"

namespace replayd {

/// The model that an attention GPU works on: all but dense FFNs and experts.
[[nodiscard]] ModelSpec attention_model(const ModelSpec& model);

/// The pool of attention GPUs that plan_pool() plans for an AFD pool: no data group, since only tensor ranks talk.
[[nodiscard]] PoolSpec attention_pool(const PoolSpec& pool);

/// What an attention GPU has beside attention_model(): the routers and its stage buffers.
[[nodiscard]] std::vector<WeightPart> router_parts(const ModelSpec& model, const PoolSpec& pool);

/// Most rows that a stage of one scheduler rank can have: an equal share of the step with its remainder, and, since a
/// prompt is not cut, one chunk more; at most the step.
[[nodiscard]] std::int64_t stage_rows_max(const PoolSpec& pool);

/// Registered buffers of an attention GPU, in 16 bit: per stage one to send and one for the partial result of each FFN
/// server. stages × (1 + ffn_servers) × rows × 2 × hidden. Source: stepfun-ai/StepMesh,
/// tests/vllm/stepmesh_connector.py.
[[nodiscard]] Bytes attention_stage_buffers(const ModelSpec& model, const PoolSpec& pool);

/// Of an FFN GPU: per stage the rows of the attention servers, and one buffer to return their results.
[[nodiscard]] Bytes ffn_stage_buffers(const ModelSpec& model, const PoolSpec& pool);

/// The plan of an FFN GPU; it has no KV blocks.
[[nodiscard]] MemoryPlan plan_ffn(const ModelSpec& model, const PoolSpec& pool);

}  // namespace replayd
