#include "replay/memory/memory_plan.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "replay/memory/activations.hpp"
#include "replay/memory/afd_memory.hpp"
#include "replay/memory/collective_buffers.hpp"
#include "replay/memory/cuda_reserve.hpp"
#include "replay/memory/kv_bytes.hpp"
#include "replay/memory/planned_moe.hpp"
#include "replay/memory/planned_workspace.hpp"
#include "replay/memory/remedies.hpp"
#include "replay/memory/weights.hpp"

namespace replayd {
namespace {

std::string number(std::int64_t value) { return std::to_string(value); }

std::string type_name(DataType type) {
    switch (type) {
        case DataType::bf16: return "bf16";
        case DataType::fp8: return "fp8 + block scales";
        case DataType::int8: return "int8 + channel scales";
        case DataType::int4: return "int4 + group scales";
        case DataType::fp32: return "fp32";
    }
    return {};
}

void add_weights(std::vector<MemoryItem>& items, const std::vector<WeightPart>& parts, DataType type) {
    for (const WeightPart& part : parts) {
        const DataType stored = part.quantized ? type : DataType::bf16;
        items.push_back({"weights: " + part.name, weight_bytes(part, type), part.formula + ", " + type_name(stored)});
    }
}

/// Decoding in the latent space multiplies by kv_b, for which vLLM keeps an unquantized copy
/// (vllm/v1/attention/backends/mla/common.py, process_weights_after_loading).
MemoryItem absorbed_item(const ModelSpec& model, const PoolSpec& pool, const PipelineStage& stage) {
    const std::int64_t kv_b = pool.weights == DataType::bf16 ? 0 : mla_kv_b_elements(model, pool.parallel, stage);
    return {"weights: absorbed kv_b", Bytes(kv_b * bits(DataType::bf16) / 8), number(kv_b) + ", bf16 copy",
            ItemBasis::habit};
}

std::vector<MemoryItem> budget_items(const ModelSpec& model, const PoolSpec& pool, const PipelineStage& stage) {
    std::vector<MemoryItem> items;
    const auto add_all = [&](std::vector<MemoryItem> more) {
        std::move(more.begin(), more.end(), std::back_inserter(items));
    };
    add_weights(items, weight_parts(model, pool.parallel, stage), pool.weights);
    add_weights(items, mtp_parts(model, pool.parallel, stage, pool.runtime.draft_layers), pool.weights);
    items.push_back(absorbed_item(model, pool, stage));
    items.push_back(rotary_item(model));
    add_all(activation_items(model, pool, stage));
    items.push_back(mla_workspace_item(model, pool));
    add_all(workspace_items(model, pool));
    add_all(deepep_items(model, pool));
    add_all(collective_items(pool));
    items.push_back(runtime_item(pool.gpu));
    std::erase_if(items, [](const MemoryItem& item) { return item.bytes == Bytes(0); });
    return items;
}

/// Layers of a stage that have a growing KV cache; draft layers are the last stage's.
std::int64_t cached_layers(const ModelSpec& model, const PoolSpec& pool, const PipelineStage& stage) {
    return growing_layers(model, stage) + (stage.holds_head ? pool.runtime.draft_layers : 0);
}

/// The plan of one GPU of a stage.
MemoryPlan plan_stage(const ModelSpec& model, const PoolSpec& pool, std::int64_t index) {
    const PipelineStage stage = pipeline_stage(model, pool.parallel.pipeline, index);
    const std::int64_t tensor = pool.parallel.tensor;
    MemoryPlan plan;
    plan.pool = pool.name;
    plan.stage = index;
    plan.device = pool.gpu.memory;
    plan.budget = Bytes(static_cast<std::int64_t>(static_cast<double>(plan.device.value) * pool.kv.memory_fraction));
    plan.kv_bytes_per_token = kv_bytes_per_token(model, cached_layers(model, pool, stage), tensor, kv_format(pool.kv));
    plan.kv_bytes_per_block = plan.kv_bytes_per_token * pool.kv.block.value;
    plan.state_bytes_per_request = state_bytes_per_request(model, stage.linear_attention, tensor) +
                                   window_bytes_per_request(model, stage, tensor, pool.kv);
    plan.items = budget_items(model, pool, stage);
    plan.outside = outside_items(pool, stage);
    const Bytes left = plan.budget - plan.used();
    plan.missing = std::max(Bytes(0), plan.kv_bytes_per_block - left);
    // A stage without growing layers holds no blocks; it fits when its items do.
    if (plan.kv_bytes_per_block > Bytes(0)) {
        plan.fitting_blocks = std::max<std::int64_t>(0, left.value) / plan.kv_bytes_per_block.value;
        plan.host_blocks = pool.kv.host.value / plan.kv_bytes_per_block.value;
    }
    return plan;
}

/// Why an FFN server cannot hold its share, and the ways out.
std::string no_room_on_ffn(const PoolSpec& pool, const MemoryPlan& plan) {
    return "pool \"" + pool.name + "\": an FFN GPU needs " + number(plan.used().value) + " bytes and has " +
           number(plan.budget.value) +
           ", device x memory_fraction: spread the experts over more GPUs (pool.afd.ffn.tensor or "
           "expert, and ffn_servers), or lower batching.max_batched_tokens";
}

/// Whether `a` limits the pool more than `b`: it lacks more bytes, or else has fewer blocks.
bool limits_more(const MemoryPlan& a, const MemoryPlan& b) {
    if (a.missing != b.missing) return a.missing > b.missing;
    if ((a.kv_bytes_per_block == Bytes(0)) != (b.kv_bytes_per_block == Bytes(0))) {
        return b.kv_bytes_per_block == Bytes(0);
    }
    return a.fitting_blocks < b.fitting_blocks;
}

}  // namespace

Bytes MemoryPlan::used() const {
    Bytes total{0};
    for (const MemoryItem& item : items) total += item.bytes;
    return total;
}

Bytes MemoryPlan::margin() const {
    Bytes left = device - budget;
    for (const MemoryItem& item : outside) left -= item.bytes;
    return left;
}

std::optional<double> MemoryPlan::fraction_for(std::int64_t count) const {
    constexpr double k_steps = 1e6;
    const Bytes need = used() + kv_bytes_per_block * count;
    const double fraction =
        std::ceil(static_cast<double>(need.value) / static_cast<double>(device.value) * k_steps) / k_steps;
    if (fraction > 1) return std::nullopt;
    return fraction;
}

namespace {

/// The plan of an attention GPU of an AFD pool.
MemoryPlan plan_attention(const ModelSpec& model, const PoolSpec& pool) {
    MemoryPlan plan = plan_pool(attention_model(model), attention_pool(pool));
    std::vector<MemoryItem> more;
    add_weights(more, router_parts(model, pool), pool.weights);
    more.push_back({"AFD stage buffers", attention_stage_buffers(model, pool),
                    number(pool.afd->stages) + " stages x (1 to send + " + number(pool.afd->ffn_servers) +
                        " to receive) x " + number(stage_rows_max(pool)) + " rows x hidden " + number(model.hidden) +
                        " x 2 B",
                    ItemBasis::habit});
    plan.items.insert(plan.items.end(), more.begin(), more.end());
    plan.parameters = parameter_count(model);
    const Bytes left = plan.budget - plan.used();
    plan.missing = std::max(Bytes(0), plan.kv_bytes_per_block - left);
    plan.fitting_blocks = std::max<std::int64_t>(0, left.value) / plan.kv_bytes_per_block.value;
    plan.blocks = pool.kv.num_blocks.value_or(plan.fitting_blocks);
    return plan;
}

}  // namespace

MemoryPlan plan_pool(const ModelSpec& model, const PoolSpec& pool) {
    if (pool.afd) return plan_attention(model, pool);
    MemoryPlan fullest = plan_stage(model, pool, 0);
    for (std::int64_t i = 1; i < pool.parallel.pipeline; ++i) {
        MemoryPlan plan = plan_stage(model, pool, i);
        if (limits_more(plan, fullest)) fullest = std::move(plan);
    }
    fullest.pinned = pool.kv.num_blocks.has_value();
    fullest.blocks = pool.kv.num_blocks.value_or(fullest.fitting_blocks);
    fullest.parameters = parameter_count(model);
    return fullest;
}

Result<std::vector<MemoryPlan>> plan_memory(const Scenario& scenario) {
    std::vector<MemoryPlan> plans;
    for (std::size_t i = 0; i < scenario.pools.size(); ++i) {
        plans.push_back(plan_pool(scenario.model, scenario.pools[i]));
        const MemoryPlan& plan = plans.back();
        if (plan.missing > Bytes(0) && !plan.pinned) return fail(Code::invalid_argument, no_room(scenario, i, plan));
        if (!scenario.pools[i].afd) continue;
        const MemoryPlan ffn = plan_ffn(scenario.model, scenario.pools[i]);
        if (ffn.missing > Bytes(0)) return fail(Code::invalid_argument, no_room_on_ffn(scenario.pools[i], ffn));
    }
    return plans;
}

TransferSize transfer_size(const Scenario& scenario) {
    const ModelSpec& model = scenario.model;
    const PoolSpec& sender = scenario.pools.front();
    const PipelineStage whole = pipeline_stage(model, 1, 0);
    KvSpec wire = sender.kv;
    wire.dtype = scenario.transfer.dtype.value_or(sender.kv.dtype);
    wire.flashmla = sender.kv.flashmla && wire.dtype == DataType::fp8;
    return {
        kv_bytes_per_token(model, cached_layers(model, sender, whole), 1, kv_format(wire)),
        state_bytes_per_request(model, whole.linear_attention, 1) + window_bytes_per_request(model, whole, 1, wire)};
}

}  // namespace replayd
