#include "replay/catalog/pipeline_stage.hpp"

#include <algorithm>

#include "replay/base/assert.hpp"

namespace replayd {
namespace {

/// Layers of a stage: stages in [stages - 1 - rest, stages - 1) carry one of the `rest` left over.
std::int64_t layers_of(std::int64_t layers, std::int64_t stages, std::int64_t stage) {
    const std::int64_t rest = layers % stages;
    const bool extra = stage >= stages - 1 - rest && stage < stages - 1;
    return layers / stages + (extra ? 1 : 0);
}

/// Full-attention layers among the first `count` layers of the model.
std::int64_t full_attention_before(const ModelSpec& model, std::int64_t count) {
    return model.linear_attention ? count / model.linear_attention->full_attention_interval : count;
}

/// Layers with a sliding window among the first `count` layers of the model.
std::int64_t windowed_before(const ModelSpec& model, std::int64_t count) {
    const AttentionSpec& a = model.attention;
    if (a.sliding_window == 0) return 0;
    return a.global_interval == 0 ? count : count - count / a.global_interval;
}

/// Layers with experts among the first `count` layers of the model.
std::int64_t moe_before(const ModelSpec& model, std::int64_t count) {
    if (!model.moe) return 0;
    const std::int64_t begin = model.moe->first_dense_layers;
    return std::clamp(count, begin, model.layers - model.moe->last_dense_layers) - begin;
}

}  // namespace

PipelineStage pipeline_stage(const ModelSpec& model, std::int64_t stages, std::int64_t stage) {
    REPLAYD_ASSERT(stage >= 0 && stage < stages && stages <= model.layers);
    PipelineStage out;
    for (std::int64_t s = 0; s < stage; ++s) out.first += layers_of(model.layers, stages, s);
    out.layers = layers_of(model.layers, stages, stage);
    const std::int64_t end = out.first + out.layers;
    out.full_attention = full_attention_before(model, end) - full_attention_before(model, out.first);
    out.linear_attention = out.layers - out.full_attention;
    out.windowed = windowed_before(model, end) - windowed_before(model, out.first);
    out.moe = moe_before(model, end) - moe_before(model, out.first);
    out.dense = out.layers - out.moe;
    out.holds_embedding = stage == 0;
    out.holds_head = stage == stages - 1;
    return out;
}

}  // namespace replayd
