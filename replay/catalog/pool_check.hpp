#pragma once
// Combinations of a pool that cannot exist, each with the reason and the way out.

#include "replay/catalog/scenario.hpp"
#include "replay/catalog/table_reader.hpp"

namespace replayd {

/// The readers of a pool's tables, so that a refusal names the line of the key at fault.
struct PoolTables {
    TableReader& pool;
    TableReader& parallel;
    TableReader& batching;
    TableReader& kv;
};

/// Refuses what `model` and the pool's GPU do not allow. To be called on a pool that was read without trouble.
void check_pool(const PoolSpec& pool, const ModelSpec& model, PoolTables tables);

}  // namespace replayd
