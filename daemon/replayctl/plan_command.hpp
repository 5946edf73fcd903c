#pragma once
// `replayctl plan` and `replayctl scenario`: what a scenario is, and where its memory goes.

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/replayctl/exit_status.hpp"
#include "daemon/replayctl/output_mode.hpp"

namespace replayd::ctl {

struct ScenarioOptions {
    std::vector<std::string> scenarios;  ///< names or files
    std::vector<std::string> catalogs;
    std::vector<std::string> what_if;    ///< plan: "KEY=VALUE" laid over each scenario
    std::int64_t prompt = 0;             ///< plan: tokens of a request whose concurrency is asked for; 0: not asked
    std::int64_t output = 0;
    OutputMode mode = OutputMode::table;
};

/// Prints the memory plan of every pool, line by line. Ends as `bad_input` when a pool does not fit, after saying what
/// would make it fit.
[[nodiscard]] Result<ExitStatus> plan(const ScenarioOptions& options);

/// Says of each file or name whether it is a scenario. Ends as `bad_input` when one is not.
[[nodiscard]] Result<ExitStatus> check_scenarios(const ScenarioOptions& options);
/// Lists the built-in scenarios.
[[nodiscard]] Result<ExitStatus> list_scenarios(const ScenarioOptions& options);
/// Prints the text of the scenarios.
[[nodiscard]] Result<ExitStatus> show_scenarios(const ScenarioOptions& options);

}  // namespace replayd::ctl
