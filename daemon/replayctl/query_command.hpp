#pragma once
// `replayctl runs`, `explain` and `query`: what is known of past and present runs.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "daemon/replayctl/exit_status.hpp"
#include "daemon/replayctl/history_source.hpp"
#include "daemon/replayctl/output_mode.hpp"

namespace replayd::ctl {

struct RunsOptions {
    SourceChoice source;
    std::string stream;       ///< empty: all
    std::size_t limit = 100;  ///< 1 or more
    OutputMode mode = OutputMode::table;
};
[[nodiscard]] Result<ExitStatus> list_runs(const RunsOptions& options);

struct ExplainOptions {
    SourceChoice source;
    std::string request;              ///< its id
    std::optional<std::int64_t> run;  ///< nothing: every run that has it
    OutputMode mode = OutputMode::table;
};
/// Fails when the ledger of a request does not sum to its E2E. Error `not_found` when no run has the request.
[[nodiscard]] Result<ExitStatus> explain(const ExplainOptions& options);

struct QueryOptions {
    SourceChoice source;
    std::string sql;
    OutputMode mode = OutputMode::table;
};
[[nodiscard]] Result<ExitStatus> query(const QueryOptions& options);

}  // namespace replayd::ctl
