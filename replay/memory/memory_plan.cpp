#include "replay/memory/memory_plan.hpp"

#include <algorithm>
#include <optional>

#include "replay/base/assert.hpp"
#include "replay/memory/activations.hpp"
#include "replay/memory/kv_bytes.hpp"
#include "replay/memory/weights.hpp"

namespace replayd {
namespace {

/// Assumption: CUDA modules, cuBLAS workspaces and the allocator's slack that a process adds after its context
/// exists. vLLM reports 0.16 to 0.20 GiB as non-torch memory (vllm-project/vllm pull requests 12126 and 14447).
/// The context itself (0.51 GiB measured on H100 and H200) exists before vLLM takes its budget and, like CUDA graphs
/// before vLLM 0.21, lives in the share of the device that memory_fraction leaves free.
constexpr Bytes k_runtime_reserve{200LL << 20};

/// Assumption: NCCL's buffers by size of the group. Source: NVIDIA aiconfigurator, systems/h100_sxm.yaml and its
/// siblings, misc.nccl_mem.
constexpr Bytes k_nccl_pair{342LL << 20};
constexpr Bytes k_nccl_group{392LL << 20};

std::string number(std::int64_t value) { return std::to_string(value); }

std::string type_name(DataType type) {
    switch (type) {
        case DataType::bf16: return "bf16";
        case DataType::fp8: return "fp8 + block scales";
        case DataType::int8: return "int8";
        case DataType::int4: return "int4 + group scales";
        case DataType::fp32: return "fp32";
    }
    return {};
}

std::vector<MemoryItem> weight_items(const ModelSpec& model, const PoolSpec& pool, const PipelineStage& stage) {
    std::vector<MemoryItem> items;
    for (const WeightPart& part : weight_parts(model, pool.parallel, stage)) {
        const DataType type = part.quantized ? pool.weights : DataType::bf16;
        items.push_back({"weights: " + part.name, weight_bytes(part.elements, type), part.formula + ", " + type_name(type)});
    }
    const std::int64_t kv_b = mla_kv_b_elements(model, pool.parallel, stage);
    if (kv_b > 0 && pool.weights != DataType::bf16) {
        // Decoding in the latent space multiplies by kv_b, for which vLLM keeps an unquantized copy
        // (vllm/v1/attention/backends/mla/common.py, process_weights_after_loading).
        items.push_back({"weights: absorbed kv_b", weight_bytes(kv_b, DataType::bf16), number(kv_b) + ", bf16 copy"});
    }
    return items;
}

MemoryItem nccl_item(const ParallelSpec& parallel) {
    const std::int64_t ranks = parallel.gpus();
    const Bytes bytes = ranks == 1 ? Bytes(0) : ranks < 4 ? k_nccl_pair : k_nccl_group;
    return {"NCCL buffers", bytes, number(ranks) + " GPUs in the group (assumption)"};
}

MemoryItem state_item(const MemoryPlan& plan, const PoolSpec& pool) {
    return {"linear-attention state", plan.state_bytes_per_request * pool.batching.max_sequences,
            number(pool.batching.max_sequences) + " sequences (max_sequences) x " +
                number(plan.state_bytes_per_request.value) + " B"};
}

void add_if_any(MemoryPlan& plan, MemoryItem item) {
    if (item.bytes > Bytes(0)) plan.items.push_back(std::move(item));
}

/// The plan of one GPU of a stage. `fitting_blocks` is negative when not even the items fit.
MemoryPlan plan_stage(const ModelSpec& model, const PoolSpec& pool, const PipelineStage& stage) {
    MemoryPlan plan;
    plan.pool = pool.name;
    plan.device = pool.gpu.memory;
    plan.budget = Bytes(static_cast<std::int64_t>(static_cast<double>(plan.device.value) * pool.kv.memory_fraction));
    plan.kv_bytes_per_token = kv_bytes_per_token(model, stage.full_attention, pool.parallel.tensor, pool.kv.dtype);
    plan.kv_bytes_per_block = plan.kv_bytes_per_token * pool.kv.block.value;
    plan.state_bytes_per_request = state_bytes_per_request(model, stage.linear_attention, pool.parallel.tensor);
    plan.items = weight_items(model, pool, stage);
    add_if_any(plan, activation_item(model, pool, stage));
    add_if_any(plan, mla_workspace_item(model, pool));
    add_if_any(plan, state_item(plan, pool));
    add_if_any(plan, nccl_item(pool.parallel));
    plan.items.push_back({"runtime", k_runtime_reserve, "CUDA modules and workspaces (assumption)"});
    return plan;
}

/// Bytes that the items leave to one more KV block, negative when they are missing.
Bytes room_after_one_block(const MemoryPlan& plan) { return plan.budget - plan.used() - plan.kv_bytes_per_block; }

Error no_room(const MemoryPlan& plan, const PoolSpec& pool) {
    const auto largest = std::max_element(plan.items.begin(), plan.items.end(),
                                          [](const MemoryItem& a, const MemoryItem& b) { return a.bytes < b.bytes; });
    return {Code::invalid_argument,
            "pool \"" + pool.name + "\": no room for one KV block on " + pool.gpu.name + ": " +
                number(-room_after_one_block(plan).value) + " bytes are missing from a budget of " +
                number(plan.budget.value) + "; the largest item is \"" + largest->name + "\" with " +
                number(largest->bytes.value) + " bytes; expected more parallelism, smaller weights, or a higher " +
                "kv.memory_fraction"};
}

Result<MemoryPlan> plan_pool(const ModelSpec& model, const PoolSpec& pool) {
    std::optional<MemoryPlan> fullest;
    for (std::int64_t i = 0; i < pool.parallel.pipeline; ++i) {
        MemoryPlan plan = plan_stage(model, pool, pipeline_stage(model, pool.parallel.pipeline, i));
        const bool short_of_room = room_after_one_block(plan) < Bytes(0);
        if (short_of_room && !pool.kv.num_blocks) return tl::unexpected(no_room(plan, pool));
        // A stage of linear-attention layers only needs no blocks and so cannot be the one that limits them.
        if (plan.kv_bytes_per_block == Bytes(0)) continue;
        plan.fitting_blocks =
            short_of_room ? 0 : (plan.budget - plan.used()).value / plan.kv_bytes_per_block.value;
        if (!fullest || plan.fitting_blocks < fullest->fitting_blocks) fullest = std::move(plan);
    }
    REPLAYD_ASSERT(fullest.has_value());
    fullest->pinned = pool.kv.num_blocks.has_value();
    fullest->blocks = pool.kv.num_blocks.value_or(fullest->fitting_blocks);
    fullest->parameters = parameter_count(model);
    return *fullest;
}

}  // namespace

Bytes MemoryPlan::used() const {
    Bytes total{0};
    for (const MemoryItem& item : items) total += item.bytes;
    return total;
}

Result<std::vector<MemoryPlan>> plan_memory(const Scenario& scenario) {
    std::vector<MemoryPlan> plans;
    for (const PoolSpec& pool : scenario.pools) {
        auto plan = plan_pool(scenario.model, pool);
        if (!plan) return tl::unexpected(plan.error());
        plans.push_back(std::move(*plan));
    }
    return plans;
}

TransferSize transfer_size(const Scenario& scenario) {
    const ModelSpec& model = scenario.model;
    const std::int64_t full = model.full_attention_layers();
    const DataType dtype = scenario.pools.front().kv.dtype;
    return {kv_bytes_per_token(model, full, 1, dtype), state_bytes_per_request(model, model.layers - full, 1)};
}

}  // namespace replayd
