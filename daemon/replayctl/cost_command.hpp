#pragma once
// `replayctl cost`: prices rows of kernel tables, takes one step of a scenario apart, and measures how near the
// laws come to a folder of measured tables.

#include <string>
#include <vector>

#include "daemon/replayctl/exit_status.hpp"
#include "daemon/replayctl/output_mode.hpp"

namespace replayd::ctl {

struct CostEvalOptions {
    std::string gpu;
    std::string backend;
    std::string op;
    std::string in;   ///< CSV, also .gz or .zst
    std::string out;  ///< "-" is standard output
};

/// Writes the rows of `in` with `predicted_us` and `provenance` appended.
[[nodiscard]] Result<ExitStatus> cost_eval(const CostEvalOptions& options);

struct CostStepOptions {
    std::string scenario;  ///< name or file
    std::string pool;      ///< "": the scenario's only one
    std::string prefill;   ///< "2x512" or "2x512+1024": sequences × new tokens, after so many computed ones
    std::string decode;    ///< "64x1024": sequences × context
    std::vector<std::string> what_if;  ///< "KEY=VALUE" laid over the scenario
    std::vector<std::string> catalogs;
    OutputMode mode = OutputMode::table;
};

/// Prints the operators of one step: time, FLOPs, bytes, share of the peaks, provenance.
[[nodiscard]] Result<ExitStatus> cost_step(const CostStepOptions& options);

struct CostValidateOptions {
    std::string folder;     ///< <system>/<backend>/<table>.csv[.gz]
    std::string plots;      ///< folder for one SVG picture per operator of `folder`; "": none
    std::string vllm_runs;  ///< in its place: folder of real vLLM runs, see vllm_run.hpp
    std::vector<std::string> shared_prefixes;  ///< for `vllm_runs`: files of shared_prefixes.hpp
    bool own_prompts = false;  ///< for `vllm_runs`: public sets of prompts are not looked for
    OutputMode mode = OutputMode::table;
};

/// Prints the median and 90th-percentile error of every table of the folder.
[[nodiscard]] Result<ExitStatus> cost_validate(const CostValidateOptions& options);

/// Replays the runs of `vllm_runs`, priced by their GPUs' profiles and by the laws alone, and prints how near the means
/// and percentiles of TTFT, TPOT and end-to-end time come.
[[nodiscard]] Result<ExitStatus> cost_validate_runs(const CostValidateOptions& options);

}  // namespace replayd::ctl
