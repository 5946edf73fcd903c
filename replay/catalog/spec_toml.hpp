#pragma once
// Models, GPUs and pools from their TOML tables. Each function reads one table to the end; trouble lands in the
// reader's TomlErrors, and the value may be used only when there was none.

#include <array>

#include "replay/catalog/scenario.hpp"
#include "replay/catalog/scenario_toml.hpp"
#include "replay/catalog/table_reader.hpp"

namespace replayd {

inline constexpr std::array<Choice<DataType>, 4> k_weight_types = {
    {{"bf16", DataType::bf16}, {"fp8", DataType::fp8}, {"int8", DataType::int8}, {"int4", DataType::int4}}};
inline constexpr std::array<Choice<DataType>, 2> k_kv_types = {{{"bf16", DataType::bf16}, {"fp8", DataType::fp8}}};

/// `[models.NAME]`.
[[nodiscard]] ModelSpec read_model(TableReader& table, const std::string& name);

/// `[gpus.NAME]`.
[[nodiscard]] GpuSpec read_gpu(TableReader& table, const std::string& name);

/// One `[[pool]]`. `default_gpu` names the GPU of pools that name none; empty: each pool must.
[[nodiscard]] PoolSpec read_pool(TableReader& table, const ModelSpec& model, const std::string& default_gpu,
                                 const Catalog& catalog);

/// Whether `name` is 1 to 100 letters, digits, '.', '_' or '-': fit for labels, paths and tables.
[[nodiscard]] bool is_name(std::string_view name);

/// Reads `key` as such a name.
[[nodiscard]] std::string read_name(TableReader& table, std::string_view key,
                                    std::optional<std::string> fallback = std::nullopt);

}  // namespace replayd
