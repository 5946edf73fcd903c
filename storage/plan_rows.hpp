#pragma once
// MemoryPlan to and from the rows of tables `pool` and `memory_plan`.

#include <cstdint>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/catalog/scenario.hpp"
#include "replay/memory/memory_plan.hpp"
#include "storage/connection.hpp"

namespace replayd::storage {

/// Adds the pool at `position` in its scenario, with its plan.
[[nodiscard]] Result<void> insert_plan(Connection& connection, std::int64_t run_id, std::int64_t position,
                                       const PoolSpec& pool, const MemoryPlan& plan);

/// The plans of a run's pools, in their order, as they were inserted; none for an unknown run. Error `io`.
[[nodiscard]] Result<std::vector<MemoryPlan>> read_plans(Connection& connection, std::int64_t run_id);

}  // namespace replayd::storage
