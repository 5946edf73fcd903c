#include "replay/cost/moe_strategy.hpp"

#include "replay/cost/laws/hardware.hpp"
#include "replay/cost/moe_strategy_names.hpp"
#include "replay/cost/moe_strategy_rows.hpp"

namespace replayd::cost {
namespace {

using enum MoeRouter;
using enum MoeExecutor;
using enum MoeQuant;

std::string number(std::int64_t value) { return std::to_string(value); }

MoeLayoutRule layout_of(MoeExecutor executor) {
    switch (executor) {
        case fused: return MoeLayoutRule::sorted;
        case deepgemm_hybrid: return MoeLayoutRule::hybrid;
        case cutlass:
        case trtllm: return MoeLayoutRule::contiguous;
        case batched_triton:
        case deepgemm_masked:
        case cutedsl_masked: return MoeLayoutRule::masked;
    }
    return MoeLayoutRule::sorted;
}

std::string router_reason(MoeRouter router, const MoeStrategyQuery& query) {
    switch (router) {
        case deepep_normal:
        case deepep_low_latency:
            return "moe = " + std::string(backend_name(query.backend)) + ", expert = " + number(query.expert);
        case gathered: return "data = " + number(query.data) + " ranks hold other tokens";
        case batched:
        case pure_tensor: return "every GPU of the group holds every token";
    }
    return "";
}

std::string executor_reason(const MoeStrategyRow& row, const MoeStrategyQuery& query) {
    if (row.name == k_fused_row) return "moe = fused: vLLM's kernels";
    return std::string(quant_name(row.quant)) + ", SM " + number(query.architecture) +
           (row.no_graphs ? ", no CUDA graphs" : "");
}

std::string layout_reason(MoeLayoutRule layout) {
    switch (layout) {
        case MoeLayoutRule::sorted: return "the kernels sort";
        case MoeLayoutRule::masked: return "counts stay on the GPU";
        case MoeLayoutRule::hybrid: return "by the tokens received";
        case MoeLayoutRule::contiguous: return "each expert rounded up to 128 rows";
    }
    return "";
}

MoeStrategy strategy_of(const MoeStrategyRow& row, const MoeStrategyQuery& query) {
    MoeStrategy out;
    out.name = row.name;
    out.router = row.router;
    if (row.name == k_fused_row && query.data > 1) out.router = gathered;
    out.executor = row.executor;
    out.layout = layout_of(row.executor);
    const int router_priority = static_cast<int>(row.router == gathered ? pure_tensor : row.router);
    out.priority = row.name == k_fused_row ? 0 : 10 * router_priority + row.executor_priority;
    out.router_reason = router_reason(out.router, query);
    out.executor_reason = executor_reason(row, query);
    out.layout_reason = layout_reason(out.layout);
    return out;
}

Result<MoeStrategy> named(const MoeStrategyQuery& query) {
    const std::string shown = "runtime.moe_strategy is \"" + query.name + "\": ";
    for (const MoeStrategyRow& row : k_moe_strategy_rows) {
        if (row.name != query.name) continue;
        if (row.name == k_fused_row) break;
        if (const auto need = unmet_need(row, query)) {
            return fail(Code::invalid_argument, *need + " (runtime.moe_strategy names it)");
        }
        return strategy_of(row, query);
    }
    if (query.name == k_fused_row) {
        return fail(Code::invalid_argument, shown + "expected runtime.moe = \"fused\" with it");
    }
    std::string names;
    for (const MoeStrategyRow& row : k_moe_strategy_rows) names += (names.empty() ? "" : ", ") + std::string(row.name);
    return fail(Code::invalid_argument, shown + "expected one of " + names);
}

/// The message of the row that would have won but for one need: the router fits and so do the weights.
std::string nearest_reason(const MoeStrategyQuery& query) {
    for (const MoeStrategyRow& row : k_moe_strategy_rows) {
        if (!row.automatic || row.quant != query.quant || unmet_router_need(row, query)) continue;
        if (auto need = unmet_need(row, query)) return *need;
    }
    return "runtime.moe is \"" + std::string(backend_name(query.backend)) + "\": no strategy moves " +
           std::string(quant_name(query.quant)) + " experts so with tensor = " + number(query.tensor) +
           ", data = " + number(query.data) + ", expert = " + number(query.expert) +
           "; expected \"fused\", which takes every combination, or for experts over data ranks a DeepEP mode";
}

}  // namespace

std::string MoeStrategy::text() const {
    return std::string(name) + ": exchange " + std::string(router_name(router)) + " (" + router_reason + ");" +
           " executor " + std::string(executor_name(executor)) + " (" + executor_reason + ");" +
           " layout " + std::string(layout_name(layout)) + " (" + layout_reason + ")";
}

Result<MoeStrategy> choose_moe_strategy(const MoeStrategyQuery& query) {
    if (query.backend == MoeBackend::fused) {
        if (query.name.empty() || query.name == k_fused_row) return strategy_of(k_moe_strategy_rows.back(), query);
        return fail(Code::invalid_argument,
                    "runtime.moe_strategy is \"" + query.name +
                        "\": expected none with runtime.moe = \"fused\", vLLM's kernels; set moe to auto, tensor or a "
                        "DeepEP mode");
    }
    if (!query.name.empty()) return named(query);
    const MoeStrategyRow* best = nullptr;
    for (const MoeStrategyRow& row : k_moe_strategy_rows) {
        if (!row.automatic || unmet_need(row, query)) continue;
        if (best == nullptr || strategy_of(row, query).priority > strategy_of(*best, query).priority) best = &row;
    }
    if (best == nullptr) return fail(Code::invalid_argument, nearest_reason(query));
    return strategy_of(*best, query);
}

MoeStrategyQuery moe_strategy_query(const ModelSpec& model, const PoolSpec& pool) {
    MoeStrategyQuery query;
    switch (pool.weights) {
        case DataType::fp8: query.quant = model.weights == DataType::fp8 ? fp8_block : fp8_tensor; break;
        case DataType::int4: query.quant = int4_fp8; break;
        case DataType::int8: query.quant = MoeQuant::int8; break;
        case DataType::bf16:
        case DataType::fp32: query.quant = none; break;
    }
    query.architecture = hardware_of(pool.gpu).architecture;
    query.cuda_graphs = pool.runtime.cuda_graphs && pool.role != PoolRole::prefill;
    query.tensor = pool.parallel.tensor;
    query.data = pool.parallel.data;
    query.expert = pool.parallel.expert;
    query.backend = pool.runtime.moe;
    query.name = pool.runtime.moe_strategy;
    return query;
}

}  // namespace replayd::cost
