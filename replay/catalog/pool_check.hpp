#pragma once
// Combinations of a pool that cannot exist, each with the reason and the way out.

#include <string>
#include <vector>

#include "replay/catalog/scenario.hpp"
#include "replay/catalog/table_reader.hpp"

namespace replayd {

/// The table of a pool that holds a key.
enum class PoolTable { pool, parallel, batching, kv, runtime, afd };

/// One refusal: "TABLE.KEY = VALUE: TEXT".
struct PoolProblem {
    PoolTable table = PoolTable::pool;
    std::string key;  ///< of a table below it with a dot: "ffn.expert"
    std::string value;
    std::string text;
};

/// What `model` and the pool's GPU do not allow; empty for a pool that can exist. The values themselves are in the
/// ranges that the reader of a scenario file enforces.
[[nodiscard]] std::vector<PoolProblem> pool_problems(const PoolSpec& pool, const ModelSpec& model);

/// The readers of a pool's tables, so that a refusal names the line of the key at fault.
struct PoolTables {
    TableReader& pool;
    TableReader& parallel;
    TableReader& batching;
    TableReader& kv;
    TableReader& runtime;
    TableReader& afd;
};

/// Refuses what pool_problems() finds. To be called on a pool that was read without trouble.
void check_pool(const PoolSpec& pool, const ModelSpec& model, PoolTables tables);

}  // namespace replayd
