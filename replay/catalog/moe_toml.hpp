#pragma once
// What a scenario says about experts beside their number: the [moe_routing] table, and the kernels that
// `moe = "auto"` stands for.

#include "replay/catalog/moe_routing.hpp"
#include "replay/catalog/scenario.hpp"
#include "replay/catalog/table_reader.hpp"

namespace replayd {

/// Reads [moe_routing] for `model`. Histograms need one count per expert; keys that the law would not look at are
/// refused, and so is the table for a model without experts.
[[nodiscard]] MoeRoutingSpec read_moe_routing(TableReader table, const ModelSpec& model);

/// The exchange that alibaba/rtp-llm (at 4b8d39cd) takes where none is stated: none where every GPU of the expert group
/// holds every token (one GPU, one expert group of sliced experts, or tensor = expert with data = 1), else DeepEP,
/// low-latency in decode pools and normal in others.
[[nodiscard]] MoeBackend automatic_moe_backend(PoolRole role, const ParallelSpec& parallel);

}  // namespace replayd
