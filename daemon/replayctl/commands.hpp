#pragma once
// The commands of replayctl, each declared with its options. For command_line.cpp.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "daemon/replayctl/exit_status.hpp"
#include "daemon/replayctl/output_mode.hpp"

namespace replayd::ctl {

/// One command: its options are in `run`'s hands.
struct Declared {
    CLI::App* app = nullptr;
    std::shared_ptr<bool> json;          ///< --json was given
    std::vector<CLI::Option*> needed;    ///< must be given; checked after unknown options, which are likelier slips
    std::function<Result<ExitStatus>(OutputMode mode)> run;
};

[[nodiscard]] Declared declare_replay(CLI::App& root);
[[nodiscard]] Declared declare_stream(CLI::App& root);
[[nodiscard]] Declared declare_follow(CLI::App& root);
[[nodiscard]] Declared declare_generate(CLI::App& root);
/// `check`, `list` and `show` below `scenario`.
[[nodiscard]] std::vector<Declared> declare_scenario(CLI::App& scenario);
/// `eval`, `step` and `validate` below `cost`.
[[nodiscard]] std::vector<Declared> declare_cost(CLI::App& cost);
[[nodiscard]] Declared declare_plan(CLI::App& root);
[[nodiscard]] Declared declare_search(CLI::App& root);
[[nodiscard]] Declared declare_recalibrate(CLI::App& root);
[[nodiscard]] Declared declare_compare(CLI::App& root);
[[nodiscard]] Declared declare_bisect(CLI::App& root);
[[nodiscard]] Declared declare_at(CLI::App& root);
[[nodiscard]] Declared declare_runs(CLI::App& root);
[[nodiscard]] Declared declare_explain(CLI::App& root);
[[nodiscard]] Declared declare_query(CLI::App& root);
[[nodiscard]] Declared declare_export(CLI::App& root);
[[nodiscard]] Declared declare_afd_ratio(CLI::App& root);
[[nodiscard]] Declared declare_check(CLI::App& root);
[[nodiscard]] Declared declare_backup(CLI::App& root);
[[nodiscard]] Declared declare_merge(CLI::App& root);
[[nodiscard]] Declared declare_prune(CLI::App& root);

}  // namespace replayd::ctl
