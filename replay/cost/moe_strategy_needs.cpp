#include <optional>

#include "replay/cost/moe_strategy_names.hpp"
#include "replay/cost/moe_strategy_rows.hpp"

namespace replayd::cost {
namespace {

using enum MoeRouter;

std::string number(std::int64_t value) { return std::to_string(value); }

std::string need(std::string_view key, const std::string& value, const std::string& text) {
    return std::string(key) + " is " + value + ": " + text;
}

bool holds_all(const MoeStrategyQuery& query) {
    return query.expert == 1 || (query.data == 1 && query.expert == query.tensor);
}

std::string wanted_by(const MoeStrategyRow& row) { return "strategy " + std::string(row.name) + " needs "; }

}  // namespace

std::optional<std::string> unmet_router_need(const MoeStrategyRow& row, const MoeStrategyQuery& query) {
    const std::string wanted = wanted_by(row);
    const std::string backend = '"' + std::string(backend_name(query.backend)) + '"';
    switch (row.router) {
        case deepep_normal:
        case deepep_low_latency: {
            const MoeBackend own =
                row.router == deepep_normal ? MoeBackend::deepep_normal : MoeBackend::deepep_low_latency;
            if (query.backend != own) {
                return need("runtime.moe", backend, wanted + '"' + std::string(backend_name(own)) + '"');
            }
            if (query.expert == 1) return need("parallel.expert", "1", wanted + "experts over 2 or more ranks");
            return std::nullopt;
        }
        case pure_tensor:
        case batched:
            if (query.backend != MoeBackend::tensor) return need("runtime.moe", backend, wanted + "\"tensor\"");
            if (!holds_all(query)) {
                return need("parallel.expert", number(query.expert),
                            wanted + "1, or tensor = " + number(query.tensor) +
                                " with data = 1; choose a DeepEP mode to spread experts over data ranks");
            }
            return std::nullopt;
        case gathered:
            if (query.backend != MoeBackend::tensor) return need("runtime.moe", backend, wanted + "\"tensor\"");
            return std::nullopt;
    }
    return std::nullopt;
}

std::optional<std::string> unmet_need(const MoeStrategyRow& row, const MoeStrategyQuery& query) {
    const std::string wanted = wanted_by(row);
    if (row.quant != query.quant) {
        return need("weights", std::string(quant_name(query.quant)), wanted + std::string(quant_name(row.quant)));
    }
    if (auto router = unmet_router_need(row, query)) return router;
    if (query.architecture < row.architecture) {
        return need("gpu", "of SM version " + number(query.architecture),
                    wanted + number(row.architecture) + " or later; set runtime.moe = \"fused\"");
    }
    if (row.no_graphs && query.cuda_graphs) {
        return need("runtime.cuda_graphs", "true",
                    wanted + "false, since the host must know how many rows each expert got; or choose moe = "
                             "\"deepep_low_latency\", or moe_strategy = \"fp8_per_block_no_dp_masked\" with moe = "
                             "\"tensor\"");
    }
    const bool data_only = query.tensor == 1 && query.data > 1 && query.expert == query.data;
    if (row.pure_data && !data_only) {
        return need("parallel.expert", number(query.expert),
                    wanted + "tensor = 1 and expert = data, 2 or more; here tensor is " + number(query.tensor) +
                        " and data is " + number(query.data));
    }
    if (row.pure_context && !query.context_parallel) {
        return need("runtime.moe_strategy", '"' + std::string(row.name) + '"',
                    "it needs prefill context parallelism, which replayd does not model; choose another");
    }
    return std::nullopt;
}

}  // namespace replayd::cost
