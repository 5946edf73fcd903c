#include "daemon/replayctl/option_values.hpp"
#include "daemon/replayctl/search_command.hpp"
#include "daemon/replayctl/shared_options.hpp"
#include "daemon/replayctl/upkeep_commands.hpp"

namespace replayd::ctl {

Declared declare_search(CLI::App& root) {
    auto [command, options] =
        begin<SearchOptions>(root, "search", "find the cheapest cluster that serves a trace within objectives");
    CLI::App& app = *command.app;
    command.needed.push_back(
        app.add_option("SEARCH", options->spec, "TOML file: base scenario, axes, objectives, prices, method"));
    command.needed.push_back(add_trace(app, options->trace));
    add_catalogs(app, options->catalogs);
    app.add_option("--journal", options->journal, "keep outcomes in this file; the same search goes on from it")
        ->type_name("FILE");
    app.add_option("--db", options->db, "keep a row per trial in this SQLite file; the same search goes on from it")
        ->type_name("FILE");
    add_choice<SearchExecutorKind>(app, "--executor", options->executor,
                                   {{"local", SearchExecutorKind::local}, {"slurm", SearchExecutorKind::slurm}},
                                   "local (default): trials run here; slurm: in array jobs, merged into --db");
    add_whole(app, "--tasks", options->tasks, "slurm: tasks of an array job (8)", 1);
    app.add_option("--work", options->work, "slurm: folder of the tasks' files (FILE.tasks)")->type_name("FOLDER");
    app.add_option("--sbatch", options->sbatch,
                   "slurm: a further option of sbatch, as --sbatch=--partition=NAME; may be repeated")
        ->type_name("OPTION");
    app.add_option("--trials", options->trials, "run the trials of this file only: a task of --executor slurm")
        ->type_name("FILE");
    app.add_option("--csv", options->csv, "write a row per trial")->type_name("FILE");
    app.add_option("--front", options->fronts,
                   "write the Pareto fronts of price and throughput against latency, as FILE.svg or FILE.csv")
        ->type_name("FILE");
    add_whole(app, "--workers", options->workers, "trials at once (one per core); the result does not depend on it", 1);
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return search_clusters(*options);
    };
    return command;
}

Declared declare_merge(CLI::App& root) {
    auto [command, options] = begin<MergeOptions>(root, "merge", "merge files that searches wrote with --db");
    command.needed.push_back(
        command.app->add_option("INTO", options->into, "the file that gets what it lacks; made where absent"));
    command.needed.push_back(command.app->add_option("FROM", options->from, "files to take it from"));
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return merge_search_files(*options);
    };
    return command;
}

}  // namespace replayd::ctl
