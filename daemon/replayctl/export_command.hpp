#pragma once
// `replayctl export`: rows of a history file for other tools: CSV for DuckDB, pandas and spreadsheets, OpenMetrics for
// Prometheus.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/replayctl/exit_status.hpp"
#include "daemon/replayctl/output_mode.hpp"
#include "storage/connection.hpp"

namespace replayd::ctl {

enum class ExportKind {
    requests,     ///< CSV: a row per request and run
    windows,      ///< CSV: a row per window of virtual time and run
    openmetrics,  ///< the series of /metrics over the virtual time of the runs
};

struct ExportOptions {
    ExportKind kind = ExportKind::requests;
    std::string db;
    std::string out = "-";            ///< compressed where it ends in .gz or .zst
    std::optional<std::int64_t> run;  ///< of this run only
    std::string stream;               ///< of this stream only; empty: all
    std::optional<std::int64_t> start_unix_s;  ///< where openmetrics puts time 0; nothing: when the stream was created
    OutputMode mode = OutputMode::table;
};

/// Errors: `not_found` (no such file, run or stream), those of the history and of writing.
[[nodiscard]] Result<ExitStatus> export_rows(const ExportOptions& options);

/// A run that is exported.
struct ExportedRun {
    std::int64_t id = 0;
    std::string stream;
    std::string scenario;
    std::int64_t created_ms = 0;  ///< of the stream
    std::optional<std::int64_t> slo_ttft_ns;
    std::optional<std::int64_t> slo_tpot_ns;
};

}  // namespace replayd::ctl
