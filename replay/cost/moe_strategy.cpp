#include "replay/cost/moe_strategy.hpp"

#include <array>
#include <cstddef>
#include <vector>

#include "replay/cost/laws/hardware.hpp"

namespace replayd::cost {
namespace {

constexpr int k_hopper = 90;

/// What a row asks for beside its quantisation.
struct Row {
    std::string_view name;
    bool automatic = true;  ///< considered where no row is named
    MoeQuant quant = MoeQuant::none;
    MoeRouter router = MoeRouter::pure_tensor;
    MoeExecutor executor = MoeExecutor::fused;
    int executor_priority = 0;
    int architecture = 0;    ///< at least
    bool no_graphs = false;  ///< the host must know the counts of rows
    bool pure_data = false;  ///< tensor = 1, data > 1, expert = data
    bool pure_context = false;
};

using enum MoeRouter;
using enum MoeExecutor;
using enum MoeQuant;

// The strategies and priorities of rtp-llm: source alibaba/rtp-llm at 4b8d39cd, modules/factory/fused_moe.
constexpr std::array<Row, 21> k_rows = {{
    {"no_auant_ep_low_latency", true, none, deepep_low_latency, deepgemm_masked, 2, k_hopper},
    {"no_auant_dp_normal", true, none, deepep_normal, fused, 2, k_hopper},
    {"no_auant_cpp", true, none, pure_tensor, fused, 2},
    {"no_quant_dp_normal_deepgemm", false, none, deepep_normal, deepgemm_hybrid, 2, k_hopper, true},
    {"fp8_per_block_no_dp", true, fp8_block, pure_tensor, deepgemm_hybrid, 1, k_hopper, true},
    {"fp8_per_block_no_dp_masked", false, fp8_block, pure_tensor, deepgemm_masked, 2, k_hopper},
    {"fp8_per_block_pure_dp", false, fp8_block, gathered, deepgemm_masked, 2, k_hopper, true, true},
    {"fp8_per_block_pure_cp", false, fp8_block, gathered, deepgemm_hybrid, 1, k_hopper, true, false, true},
    {"fp8_per_block_ep_low_latency", true, fp8_block, deepep_low_latency, deepgemm_masked, 2, k_hopper},
    {"fp8_per_block_ep_normal", true, fp8_block, deepep_normal, deepgemm_hybrid, 1, k_hopper, true},
    {"fp8_per_tensor_no_dp", true, fp8_tensor, pure_tensor, cutlass, 3},
    {"fp8_per_tensor_ep_low_latency", true, fp8_tensor, deepep_low_latency, cutlass, 4, k_hopper},
    {"fp8_per_tensor_ep_normal", true, fp8_tensor, deepep_normal, cutlass, 3, k_hopper},
    {"w4a8_int4_per_channel_no_dp", true, int4_fp8, pure_tensor, cutlass, 5},
    {"w4a8_int4_per_channel_ep_low_latency", true, int4_fp8, deepep_low_latency, cutlass, 6, k_hopper},
    {"w4a8_int4_per_channel_ep_normal", true, int4_fp8, deepep_normal, cutlass, 5, k_hopper},
    {"fp4_no_dp", true, fp4, pure_tensor, trtllm, 7},
    {"fp4_ep_low_latency", true, fp4, deepep_low_latency, cutedsl_masked, 8, k_hopper},
    {"fp4_ep_normal", true, fp4, deepep_normal, trtllm, 7, k_hopper},
    {"batched_triton", true, none, batched, batched_triton, 0},
    {"vllm_fused", false, none, pure_tensor, fused, 0},
}};

constexpr std::string_view k_own_row = "vllm_fused";

constexpr auto k_names = [] {
    std::array<std::string_view, k_rows.size()> names{};
    for (std::size_t i = 0; i < names.size(); ++i) names[i] = k_rows[i].name;
    return names;
}();

std::string number(std::int64_t value) { return std::to_string(value); }

std::string_view quant_name(MoeQuant quant) {
    switch (quant) {
        case none: return "bf16";
        case fp8_block: return "fp8 with a scale per block";
        case fp8_tensor: return "fp8 with a scale per tensor";
        case int4_fp8: return "int4";
        case fp4: return "fp4";
        case MoeQuant::int8: return "int8";
    }
    return "";
}

std::string_view backend_name(MoeBackend backend) {
    switch (backend) {
        case MoeBackend::fused: return "fused";
        case MoeBackend::tensor: return "tensor";
        case MoeBackend::deepep_normal: return "deepep_normal";
        case MoeBackend::deepep_low_latency: return "deepep_low_latency";
    }
    return "";
}

/// One need that a query does not meet: "KEY is VALUE: TEXT".
struct Unmet {
    std::string text;
    bool met = true;
};

Unmet unmet(std::string_view key, const std::string& value, const std::string& text) {
    return {std::string(key) + " is " + value + ": " + text, false};
}

bool holds_all(const MoeStrategyQuery& query) {
    return query.expert == 1 || (query.data == 1 && query.expert == query.tensor);
}

Unmet check_router(const Row& row, const MoeStrategyQuery& query) {
    const std::string wanted = "strategy " + std::string(row.name) + " needs ";
    const std::string backend = '"' + std::string(backend_name(query.backend)) + '"';
    switch (row.router) {
        case deepep_normal:
        case deepep_low_latency: {
            const MoeBackend own =
                row.router == deepep_normal ? MoeBackend::deepep_normal : MoeBackend::deepep_low_latency;
            if (query.backend != own) {
                return unmet("runtime.moe", backend, wanted + '"' + std::string(backend_name(own)) + '"');
            }
            if (query.expert == 1) return unmet("parallel.expert", "1", wanted + "experts over 2 or more ranks");
            return {};
        }
        case pure_tensor:
        case batched:
            if (query.backend != MoeBackend::tensor) return unmet("runtime.moe", backend, wanted + "\"tensor\"");
            if (!holds_all(query)) {
                return unmet("parallel.expert", number(query.expert),
                             wanted + "1, or tensor = " + number(query.tensor) + " with data = 1; choose a DeepEP mode "
                                      "to spread experts over data ranks");
            }
            return {};
        case gathered:
            if (query.backend != MoeBackend::tensor) return unmet("runtime.moe", backend, wanted + "\"tensor\"");
            return {};
    }
    return {};
}

Unmet check_row(const Row& row, const MoeStrategyQuery& query) {
    const std::string wanted = "strategy " + std::string(row.name) + " needs ";
    if (row.quant != query.quant) {
        return unmet("weights", std::string(quant_name(query.quant)), wanted + std::string(quant_name(row.quant)));
    }
    if (const Unmet router = check_router(row, query); !router.met) return router;
    if (query.architecture < row.architecture) {
        return unmet("gpu", "of SM version " + number(query.architecture),
                     wanted + number(row.architecture) + " or later; set runtime.moe = \"fused\"");
    }
    if (row.no_graphs && query.cuda_graphs) {
        return unmet("runtime.cuda_graphs", "true",
                     wanted + "false, since the host must know how many rows each expert got; or choose moe = "
                              "\"deepep_low_latency\", or moe_strategy = \"fp8_per_block_no_dp_masked\" with moe = \"tensor\"");
    }
    const bool data_only = query.tensor == 1 && query.data > 1 && query.expert == query.data;
    if (row.pure_data && !data_only) {
        return unmet("parallel.expert", number(query.expert),
                     wanted + "tensor = 1 and expert = data, 2 or more; here tensor is " + number(query.tensor) +
                         " and data is " + number(query.data));
    }
    if (row.pure_context && !query.context_parallel) {
        return unmet("runtime.moe_strategy", '"' + std::string(row.name) + '"',
                     "it needs prefill context parallelism, which replayd does not model; choose another");
    }
    return {};
}

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

std::string_view router_name(MoeRouter router) {
    switch (router) {
        case batched: return "batched";
        case deepep_normal: return "DeepEP normal";
        case deepep_low_latency: return "DeepEP low-latency";
        case pure_tensor: return "none";
        case gathered: return "all-gather and reduce-scatter";
    }
    return "";
}

std::string_view executor_name(MoeExecutor executor) {
    switch (executor) {
        case fused: return "fused Triton";
        case batched_triton: return "batched Triton";
        case deepgemm_masked: return "DeepGEMM masked";
        case deepgemm_hybrid: return "DeepGEMM hybrid";
        case cutlass: return "CUTLASS grouped";
        case trtllm: return "TensorRT-LLM";
        case cutedsl_masked: return "CuteDSL masked";
    }
    return "";
}

std::string_view layout_name(MoeLayoutRule layout) {
    switch (layout) {
        case MoeLayoutRule::sorted: return "sorted";
        case MoeLayoutRule::masked: return "masked";
        case MoeLayoutRule::hybrid: return "masked or contiguous";
        case MoeLayoutRule::contiguous: return "contiguous";
    }
    return "";
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

std::string executor_reason(const Row& row, const MoeStrategyQuery& query) {
    if (row.name == k_own_row) return "moe = fused: vLLM's kernels";
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

MoeStrategy strategy_of(const Row& row, const MoeStrategyQuery& query) {
    MoeStrategy out;
    out.name = row.name;
    out.router = row.router;
    if (row.name == k_own_row && query.data > 1) out.router = gathered;
    out.executor = row.executor;
    out.layout = layout_of(row.executor);
    const int router_priority = static_cast<int>(row.router == gathered ? pure_tensor : row.router);
    out.priority = row.name == k_own_row ? 0 : 10 * router_priority + row.executor_priority;
    out.router_reason = router_reason(out.router, query);
    out.executor_reason = executor_reason(row, query);
    out.layout_reason = layout_reason(out.layout);
    return out;
}

Result<MoeStrategy> named(const MoeStrategyQuery& query) {
    const std::string shown = "runtime.moe_strategy is \"" + query.name + "\": ";
    for (const Row& row : k_rows) {
        if (row.name != query.name) continue;
        if (row.name == k_own_row) break;
        if (const Unmet need = check_row(row, query); !need.met) {
            return fail(Code::invalid_argument, need.text + " (runtime.moe_strategy names it)");
        }
        return strategy_of(row, query);
    }
    if (query.name == k_own_row) {
        return fail(Code::invalid_argument, shown + "expected runtime.moe = \"fused\" with it");
    }
    std::string names;
    for (const std::string_view name : k_names) names += (names.empty() ? "" : ", ") + std::string(name);
    return fail(Code::invalid_argument, shown + "expected one of " + names);
}

/// The message of the row that would have won but for one need: the router fits and so do the weights.
std::string nearest_reason(const MoeStrategyQuery& query) {
    for (const Row& row : k_rows) {
        if (!row.automatic || row.quant != query.quant || !check_router(row, query).met) continue;
        return check_row(row, query).text;
    }
    return "runtime.moe is \"" + std::string(backend_name(query.backend)) + "\": no strategy moves " +
           std::string(quant_name(query.quant)) + " experts so with tensor = " + number(query.tensor) +
           ", data = " + number(query.data) + ", expert = " + number(query.expert) +
           "; expected \"fused\", which takes every combination, or for experts over data ranks a DeepEP mode";
}

}  // namespace

std::string MoeStrategy::text() const {
    return std::string(name) + ": exchange " + std::string(router_name(router)) + " (" + router_reason + "); executor " +
           std::string(executor_name(executor)) + " (" + executor_reason + "); layout " +
           std::string(layout_name(layout)) + " (" + layout_reason + ")";
}

std::span<const std::string_view> moe_strategy_names() { return k_names; }

Result<MoeStrategy> choose_moe_strategy(const MoeStrategyQuery& query) {
    if (query.backend == MoeBackend::fused) {
        if (query.name.empty() || query.name == k_own_row) return strategy_of(k_rows.back(), query);
        return fail(Code::invalid_argument, "runtime.moe_strategy is \"" + query.name +
                                                "\": expected none with runtime.moe = \"fused\", vLLM's kernels; set moe to "
                                                "auto, tensor or a DeepEP mode");
    }
    if (!query.name.empty()) return named(query);
    const Row* best = nullptr;
    for (const Row& row : k_rows) {
        if (!row.automatic || !check_row(row, query).met) continue;
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
