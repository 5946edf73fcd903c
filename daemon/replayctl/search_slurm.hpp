#pragma once
// Rounds of a search as array jobs of Slurm (sbatch(1)): each task is `replayctl search --trials` on its share of the
// round, with an SQLite file of its own, and the files are merged when the job has ended. Search, trace and work folder
// must be seen by the nodes under the same paths.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/search/methods.hpp"

namespace replayd::ctl {

struct SlurmOptions {
    std::string folder;              ///< for trials, files and logs of the tasks; made where absent
    std::int64_t tasks = 8;          ///< of one array job at most, 1 or more
    std::vector<std::string> sbatch; ///< further options of sbatch, e.g. "--partition=cpu"
    /// The words of the command line of a task, but for --trials and --db.
    std::vector<std::string> command;
};

/// Runs the trials and merges what the tasks found into `db`. Waits for the job's end. Error `unavailable` when sbatch
/// cannot be run or the job failed, with the log to read; what its tasks had found by then is merged all the same.
[[nodiscard]] Result<void> run_on_slurm(const SlurmOptions& options, std::span<const search::Trial> trials,
                                        const std::string& db);

/// The trials of a task's file, a line each: candidate, arrivals, load in thousandths. Errors name file and line.
[[nodiscard]] Result<std::vector<search::Trial>> read_trials(const std::string& path);

}  // namespace replayd::ctl
