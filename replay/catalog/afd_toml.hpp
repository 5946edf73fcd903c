#pragma once
// `[pool.afd]` and its `[pool.afd.ffn]`, from TOML.

#include <string>

#include "replay/catalog/afd_spec.hpp"
#include "replay/catalog/pool_check.hpp"
#include "replay/catalog/table_reader.hpp"

namespace replayd {

class Catalog;

/// Reads `[pool.afd]` to the end. FFN servers have `pool_gpu` where they name none. Trouble lands in the reader's
/// TomlErrors.
[[nodiscard]] AfdSpec read_afd(TableReader& table, const GpuSpec& pool_gpu, const Catalog& catalog);

/// What the servers, ranks and faults of an AFD pool do not allow; empty for a pool that can exist.
[[nodiscard]] std::vector<PoolProblem> afd_problems(const PoolSpec& pool, const ModelSpec& model);

}  // namespace replayd
