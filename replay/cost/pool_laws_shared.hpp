#pragma once
// What the parts of PoolLaws share: whose kernels are priced, and how fields of their rows are written.

#include <string>
#include <string_view>

#include "replay/cost/laws/kernel_table.hpp"
#include "replay/cost/laws/law_choice.hpp"

namespace replayd::cost {

/// The engine's batching follows vLLM, so its kernels are the ones to price where its tables are sound.
inline constexpr std::string_view k_backend = "vllm";
/// The architecture whose weights and caches our own tables and measured steps have seen cold.
inline constexpr int k_own_architecture = 90;
inline constexpr double k_ns_per_us = 1000;

/// A type as rows hold it; `name` as the public tables write it.
[[nodiscard]] inline double type_number(std::string_view name) { return static_cast<double>(find_type(name)); }

/// Without the per-row remarks: curves and planes cover rows inside and outside of the fitted range.
[[nodiscard]] inline std::string provenance_of(const ChosenLaw& law) { return law.provenance({}); }

}  // namespace replayd::cost
