#pragma once
// The [pool.speculation] table, see speculation_spec.hpp.

#include <vector>

#include "replay/catalog/pool_check.hpp"
#include "replay/catalog/scenario.hpp"
#include "replay/catalog/table_reader.hpp"

namespace replayd {

/// Reads the table to its end.
[[nodiscard]] SpeculationSpec read_speculation(TableReader& table);

/// What speculation asks of the rest of a pool; empty where it has none or all is well.
[[nodiscard]] std::vector<PoolProblem> speculation_problems(const PoolSpec& pool, const ModelSpec& model);

}  // namespace replayd
