#pragma once
// The server that a stream was traced on (`traced_system` of its hello) against the cluster that a run replays it on:
// where they differ, observed and predicted times differ for that reason too.

#include <string>
#include <vector>

#include "replay/catalog/scenario.hpp"

namespace replayd::api {

/// A sentence for each fact that `traced_system` (JSON as the stream's row has it; empty: nothing is known) states and
/// the scenario has otherwise: model, GPU, number of GPUs, and settings by the names of vLLM's engine arguments
/// (max_num_seqs, …; dashes count as underscores). With several pools a setting fits if it fits one of them. What has
/// no counterpart here is not compared.
[[nodiscard]] std::vector<std::string> traced_differences(const std::string& traced_system, const Scenario& scenario);

}  // namespace replayd::api
