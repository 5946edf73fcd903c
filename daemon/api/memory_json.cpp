// Memory: the plans of a run's pools, and what its replicas held over time.

#include <utility>

#include "daemon/api/json_objects.hpp"

namespace replayd::api {

namespace json = boost::json;

namespace {

json::array memory_items_json(const std::vector<MemoryItem>& items) {
    json::array list;
    for (const MemoryItem& item : items) {
        list.push_back(json::object{{"name", item.name},
                                    {"bytes", item.bytes.value},
                                    {"basis", to_text(item.basis)},
                                    {"formula", item.formula}});
    }
    return list;
}

/// The fraction that gives a pinned block count.
json::value fraction_or_null(const MemoryPlan& plan) {
    const auto fraction = plan.pinned ? plan.fraction_for(plan.blocks) : std::nullopt;
    return fraction ? json::value(*fraction) : json::value(nullptr);
}

}  // namespace

json::object plan_json(const MemoryPlan& plan, const storage::PoolInfo& pool) {
    // Every plan has a CUDA context beside its budget; histories before schema version 2 did not keep it.
    const bool whole = !plan.outside.empty();
    return {{"pool", plan.pool},
            {"role", pool.role},
            {"gpu", pool.gpu},
            {"device_bytes", plan.device.value},
            {"budget_bytes", plan.budget.value},
            {"items", memory_items_json(plan.items)},
            {"outside", memory_items_json(plan.outside)},
            {"margin_bytes", whole ? json::value(plan.margin().value) : json::value(nullptr)},
            {"missing_bytes", plan.missing.value},
            {"kv_bytes_per_token", plan.kv_bytes_per_token.value},
            {"kv_bytes_per_block", plan.kv_bytes_per_block.value},
            {"state_bytes_per_request", plan.state_bytes_per_request.value},
            {"fitting_blocks", plan.fitting_blocks},
            {"blocks", plan.blocks},
            {"host_blocks", plan.host_blocks},
            {"pinned", plan.pinned},
            {"pinned_fraction", fraction_or_null(plan)},
            {"parameters", plan.parameters}};
}

json::object replica_json(const storage::ReplicaSeries& series, std::span<const storage::PoolInfo> pools) {
    json::array at;
    json::array used;
    json::array cached;
    json::array workspace;
    for (const storage::ReplicaPoint& point : series.points) {
        at.emplace_back(point.at.ns);
        used.emplace_back(point.kv_blocks_used);
        cached.emplace_back(point.kv_blocks_cached);
        workspace.emplace_back(point.workspace.value);
    }
    const auto pool = static_cast<std::size_t>(series.pool);
    return {{"replica", series.replica},
            {"pool", pool < pools.size() ? pools[pool].name : std::string()},
            {"at_ns", std::move(at)},
            {"kv_blocks_used", std::move(used)},
            {"kv_blocks_cached", std::move(cached)},
            {"workspace_bytes", std::move(workspace)}};
}

}  // namespace replayd::api
