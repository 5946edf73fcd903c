#include "storage/plan_rows.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace replayd::storage {
namespace {

std::string_view to_text(PoolRole role) {
    switch (role) {
        case PoolRole::mixed: return "mixed";
        case PoolRole::prefill: return "prefill";
        case PoolRole::decode: break;
    }
    return "decode";
}

/// Integer columns of a plan's head, in the order of integers_of_plan.
constexpr std::string_view k_plan_columns =
    "device_bytes, budget_bytes, kv_bytes_per_token, kv_bytes_per_block, state_bytes_per_request, fitting_blocks, "
    "blocks, parameters, host_blocks, stage, missing_bytes";

template <class Plan>
auto integers_of_plan(Plan& p) {
    return std::array{&p.device.value, &p.budget.value, &p.kv_bytes_per_token.value, &p.kv_bytes_per_block.value,
                      &p.state_bytes_per_request.value, &p.fitting_blocks, &p.blocks, &p.parameters, &p.host_blocks,
                      &p.stage,
                      &p.missing.value};
}

ItemBasis basis_of(std::string_view text) {
    const auto* const found = std::find(k_item_basis_names.begin(), k_item_basis_names.end(), text);
    return static_cast<ItemBasis>(found - k_item_basis_names.begin());
}

/// Adds items as lines from `first` on.
Result<void> insert_items(Statement& line, std::int64_t run_id, std::int64_t position, std::int64_t first,
                          const std::vector<MemoryItem>& items, bool beside_budget) {
    for (std::size_t i = 0; i < items.size(); ++i) {
        int parameter = 1;
        for (const std::int64_t value : {run_id, position, first + static_cast<std::int64_t>(i), items[i].bytes.value,
                                         std::int64_t{beside_budget}}) {
            line.bind(parameter++, value);
        }
        line.bind(parameter++, items[i].name);
        line.bind(parameter++, items[i].formula);
        line.bind(parameter++, to_text(items[i].basis));
        if (auto done = line.run(); !done) return done;
    }
    return {};
}

Result<void> read_items(Connection& connection, std::int64_t run_id, std::size_t pool, MemoryPlan& plan) {
    auto rows = connection.prepare(
        "SELECT item, bytes, formula, basis, beside_budget FROM memory_plan WHERE run_id = ? AND pool = ? "
        "ORDER BY line");
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, run_id);
    rows->bind(2, static_cast<std::int64_t>(pool));
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return {};
        MemoryItem item{rows->text(0), Bytes(rows->integer(1)), rows->text(2), basis_of(rows->text(3))};
        (rows->integer(4) != 0 ? plan.outside : plan.items).push_back(std::move(item));
    }
}

}  // namespace

Result<void> insert_plan(Connection& connection, std::int64_t run_id, std::int64_t position, const PoolSpec& pool,
                         const MemoryPlan& plan) {
    auto insert = connection.prepare("INSERT INTO pool (run_id, pool, name, role, gpu, replicas, gpus, pinned, " +
                                     std::string(k_plan_columns) +
                                     ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    if (!insert) return tl::unexpected(insert.error());
    insert->bind(1, run_id);
    insert->bind(2, position);
    insert->bind(3, pool.name);
    insert->bind(4, to_text(pool.role));
    insert->bind(5, pool.gpu.name);
    insert->bind(6, pool.replicas);
    insert->bind(7, pool.gpus_per_replica());
    insert->bind(8, std::int64_t{plan.pinned});
    int parameter = 9;
    for (const std::int64_t* value : integers_of_plan(plan)) insert->bind(parameter++, *value);
    if (auto done = insert->run(); !done) return done;

    auto line = connection.prepare(
        "INSERT INTO memory_plan (run_id, pool, line, bytes, beside_budget, item, formula, basis) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    if (!line) return tl::unexpected(line.error());
    if (auto done = insert_items(*line, run_id, position, 0, plan.items, false); !done) return done;
    return insert_items(*line, run_id, position, static_cast<std::int64_t>(plan.items.size()), plan.outside, true);
}

Result<std::vector<MemoryPlan>> read_plans(Connection& connection, std::int64_t run_id) {
    auto rows = connection.prepare("SELECT name, pinned, " + std::string(k_plan_columns) +
                                   " FROM pool WHERE run_id = ? ORDER BY pool");
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, run_id);
    std::vector<MemoryPlan> plans;
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return plans;
        MemoryPlan plan;
        plan.pool = rows->text(0);
        plan.pinned = rows->integer(1) != 0;
        int column = 2;
        for (std::int64_t* value : integers_of_plan(plan)) *value = rows->integer(column++);
        if (auto items = read_items(connection, run_id, plans.size(), plan); !items) {
            return tl::unexpected(items.error());
        }
        plans.push_back(std::move(plan));
    }
}

}  // namespace replayd::storage
