#pragma once
// `replayctl search`: which cluster serves a trace within its objectives at the least cost.

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/replayctl/exit_status.hpp"
#include "daemon/replayctl/output_mode.hpp"
#include "daemon/replayctl/trace_source.hpp"

namespace replayd::ctl {

/// Who runs the trials.
enum class SearchExecutorKind { local, slurm };

struct SearchOptions {
    std::string spec;  ///< path of the search's TOML text
    TraceInput trace;
    std::vector<std::string> catalogs;
    std::string journal;       ///< empty: nothing is kept for a second call
    std::string db;            ///< SQLite file with a row per trial, which a second call goes on from; empty: none
    SearchExecutorKind executor = SearchExecutorKind::local;
    std::int64_t tasks = 8;    ///< slurm: tasks of an array job at most
    std::string work;          ///< slurm: folder of the tasks' files; empty: the name of `db` and ".tasks"
    std::vector<std::string> sbatch;  ///< slurm: further options of sbatch
    std::string trials;        ///< a task of another search: run the trials of this file, nothing else; empty: search
    std::string csv;           ///< empty: not written
    std::vector<std::string> fronts;  ///< files of the Pareto fronts, by their ending a picture (.svg) or rows (.csv)
    std::int64_t workers = 0;  ///< trials at once; 0: one per core
    OutputMode mode = OutputMode::table;
};

/// Runs the search to its end and prints what it found, which does not depend on the number of workers, nor on how
/// often it was interrupted. Refused when no candidate at all is possible, with the first reason.
[[nodiscard]] Result<ExitStatus> search_clusters(const SearchOptions& options);

struct MergeOptions {
    std::string into;
    std::vector<std::string> from;
    OutputMode mode = OutputMode::table;
};

/// Merges files of searches (SearchOptions::db) into one; doing it again changes nothing.
[[nodiscard]] Result<ExitStatus> merge_search_files(const MergeOptions& options);

}  // namespace replayd::ctl
