#pragma once
// `replayctl generate`: a synthetic trace, in any format.

#include <string>

#include "daemon/replayctl/exit_status.hpp"
#include "daemon/replayctl/output_mode.hpp"
#include "replay/trace/generator_options.hpp"
#include "replay/trace/trace_format.hpp"

namespace replayd::ctl {

struct GenerateOptions {
    std::string out = "-";               ///< compressed where it ends in .gz or .zst; "-" is standard output
    TraceFormat format = TraceFormat::replayd;
    std::string lengths_from;            ///< a trace whose lengths are drawn from; empty: log-normal
    GeneratorOptions generator;
    OutputMode mode = OutputMode::table;
};

/// Writes the trace, and a summary: to standard output, or to standard error where the trace goes to the former.
[[nodiscard]] Result<ExitStatus> generate(GenerateOptions options);

}  // namespace replayd::ctl
