#include "replay/memory/afd_memory.hpp"

#include <algorithm>
#include <string>

#include "replay/catalog/pipeline_stage.hpp"
#include "replay/memory/activations.hpp"
#include "replay/memory/cuda_reserve.hpp"
#include "replay/memory/moe_temporaries.hpp"
#include "replay/memory/planned_moe.hpp"

namespace replayd {
namespace {

constexpr std::int64_t k_bf16_bytes = 2;

std::string number(std::int64_t value) {
    return std::to_string(value);
}

/// Rows of a stage that pass one FFN GPU's card: those of the attention servers, shared by the GPUs of a server.
std::int64_t rows_per_ffn_gpu(const PoolSpec& pool) {
    const std::int64_t server_gpus = pool.afd->ffn.gpus() / pool.afd->ffn_servers;
    return ceil_div(pool.parallel.data * stage_rows_max(pool), server_gpus);
}

/// FFN GPUs as one tensor group, which cuts dense layers and shared experts over all of them.
ParallelSpec ffn_parallel(const AfdFfnSpec& ffn) {
    ParallelSpec out;
    out.tensor = ffn.gpus();
    out.expert = ffn.expert;
    out.redundant_experts = ffn.redundant_experts;
    return out;
}

std::vector<WeightPart> named(std::vector<WeightPart> parts, std::initializer_list<std::string_view> names) {
    std::erase_if(
        parts, [&](const WeightPart& part) { return std::find(names.begin(), names.end(), part.name) == names.end(); });
    return parts;
}

/// Gathered rows, partial results and what the experts need between them.
MemoryItem ffn_activations(const ModelSpec& model, const PoolSpec& pool) {
    const AfdFfnSpec& ffn = pool.afd->ffn;
    const MoeSpec& moe = *model.moe;
    const std::int64_t rows = pool.parallel.data * stage_rows_max(pool);
    const std::int64_t physical = moe.experts + ffn.redundant_experts;
    MoeReceived received;
    received.tokens = expected_rows(rows, physical, moe.top_k, ffn.expert);
    received.local_experts = physical / ffn.expert;
    received.top_k = moe.top_k;
    received.hidden = model.hidden;
    received.ffn = moe.ffn / ffn.tensor;
    received.activations = pool.weights == DataType::fp8 ? DataType::fp8 : DataType::bf16;
    const MoeTemporaries temporaries =
        balanced_temporaries(received, std::min(received.tokens, ceil_div(rows * moe.top_k, physical)));
    const Bytes whole(2 * rows * model.hidden * k_bf16_bytes);
    return {"activations", whole + temporaries.peak + temporaries.indices,
            number(rows) + " rows of all attention ranks, gathered and returned, and the experts' temporaries for " +
                number(received.tokens) + " of them",
            ItemBasis::habit};
}

}  // namespace

ModelSpec attention_model(const ModelSpec& model) {
    ModelSpec out = model;
    out.moe.reset();
    out.ffn = 0;
    return out;
}

PoolSpec attention_pool(const PoolSpec& pool) {
    PoolSpec out = pool;
    out.afd.reset();
    out.parallel.data = 1;
    out.runtime.moe = MoeBackend::fused;
    return out;
}

std::vector<WeightPart> router_parts(const ModelSpec& model, const PoolSpec& pool) {
    return named(weight_parts(model, ffn_parallel(pool.afd->ffn), pipeline_stage(model, 1, 0)), {"router"});
}

std::int64_t stage_rows_max(const PoolSpec& pool) {
    const std::int64_t budget = largest_step_tokens(pool);
    const BatchingSpec& batching = pool.batching;
    const bool short_chunks = batching.chunked_prefill && batching.long_prefill_threshold.value > 0;
    const std::int64_t chunk = short_chunks ? batching.long_prefill_threshold.value : budget;
    return std::min(budget, stage_capacity(budget, pool.afd->stages) + chunk);
}

Bytes attention_stage_buffers(const ModelSpec& model, const PoolSpec& pool) {
    const AfdSpec& afd = *pool.afd;
    return Bytes(afd.stages * (1 + afd.ffn_servers) * stage_rows_max(pool) * k_bf16_bytes * model.hidden);
}

Bytes ffn_stage_buffers(const ModelSpec& model, const PoolSpec& pool) {
    return Bytes((pool.afd->stages + 1) * rows_per_ffn_gpu(pool) * k_bf16_bytes * model.hidden);
}

MemoryPlan plan_ffn(const ModelSpec& model, const PoolSpec& pool) {
    const AfdSpec& afd = *pool.afd;
    const PipelineStage whole = pipeline_stage(model, 1, 0);
    MemoryPlan plan;
    plan.pool = pool.name;
    plan.device = afd.ffn.gpu.memory;
    plan.budget = Bytes(static_cast<std::int64_t>(static_cast<double>(plan.device.value) * pool.kv.memory_fraction));
    plan.parameters = parameter_count(model);
    const std::vector<WeightPart> parts =
        named(weight_parts(model, ffn_parallel(afd.ffn), whole), {"dense FFN", "routed experts", "shared experts"});
    for (const WeightPart& part : parts) {
        plan.items.push_back({"weights: " + part.name, weight_bytes(part, pool.weights), part.formula});
    }
    plan.items.push_back(ffn_activations(model, pool));
    plan.items.push_back({"AFD stage buffers", ffn_stage_buffers(model, pool),
                          "(" + number(afd.stages) + " stages to receive + 1 to return) x " +
                              number(rows_per_ffn_gpu(pool)) + " rows x hidden " + number(model.hidden) + " x 2 B",
                          ItemBasis::habit});
    plan.items.push_back(runtime_item(afd.ffn.gpu));
    PoolSpec ffn_pool = pool;
    ffn_pool.gpu = afd.ffn.gpu;
    plan.outside = outside_items(ffn_pool, whole);
    plan.missing = std::max(Bytes(0), plan.used() - plan.budget);
    return plan;
}

}  // namespace replayd
