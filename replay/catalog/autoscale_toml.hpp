#pragma once
// The tables [autoscale] and [pool.autoscale].

#include "replay/catalog/scenario.hpp"
#include "replay/catalog/table_reader.hpp"

namespace replayd {

/// Reads [pool.autoscale] of a pool with `replicas` replicas.
[[nodiscard]] PoolAutoscaleSpec read_pool_autoscale(TableReader table, std::int64_t replicas);
/// Reads [autoscale].
[[nodiscard]] AutoscaleSpec read_autoscale(TableReader table);
/// What must hold between the tables of a scenario whose pools, objectives and [autoscale] are read.
void check_autoscale(const Scenario& scenario, TableReader& root);

}  // namespace replayd
