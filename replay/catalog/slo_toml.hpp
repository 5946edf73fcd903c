#pragma once
// `[slo]` and `[[slo_class]]`: objectives of a scenario and of classes of its requests.

#include <vector>

#include "replay/catalog/scenario.hpp"
#include "replay/catalog/table_reader.hpp"

namespace replayd {

/// Reads `[slo]`, or the objectives beside other keys of a class: what is not stated is as in `otherwise`. The caller
/// finishes the table.
[[nodiscard]] SloSpec read_slo(TableReader& table, const SloSpec& otherwise);

/// Every `[[slo_class]]` of the document, in its order, and behind them the class of all other requests if it is not
/// declared: with the objectives `slo` and a priority behind that of every declared class. Empty without any.
[[nodiscard]] std::vector<SloClass> read_slo_classes(TableReader& root, const SloSpec& slo);

/// Refuses a queue by priority where no class states one.
void check_queues(const Scenario& scenario, TableReader& root);

}  // namespace replayd
