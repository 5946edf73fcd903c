#include "daemon/replayctl/export_command.hpp"
#include "daemon/replayctl/option_values.hpp"
#include "daemon/replayctl/shared_options.hpp"
#include "daemon/replayctl/upkeep_commands.hpp"

namespace replayd::ctl {

namespace {

CLI::Option* add_history_file(CLI::App& app, std::string& db) {
    return app.add_option("--db", db, "the history file; a daemon may be writing to it")->type_name("FILE");
}

}  // namespace

Declared declare_export(CLI::App& root) {
    auto [command, options] = begin<ExportOptions>(root, "export", "write rows of a history file for other tools");
    CLI::App& app = *command.app;
    command.needed.push_back(add_choice<ExportKind>(app, "WHAT", options->kind,
                                                    {{"requests", ExportKind::requests},
                                                     {"windows", ExportKind::windows},
                                                     {"openmetrics", ExportKind::openmetrics}},
                                                    "requests or windows, as CSV; openmetrics, for promtool"));
    command.needed.push_back(add_history_file(app, options->db));
    app.add_option("--out", options->out, "file, compressed where it ends in .gz or .zst (standard output)")
        ->type_name("FILE");
    add_whole(app, "--run", options->run, "of this run only", 1);
    app.add_option("--stream", options->stream, "of this stream only")->type_name("NAME");
    add_whole(app, "--start", options->start_unix_s,
              "openmetrics: Unix seconds of virtual time 0 (when the stream was created)", 0);
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return export_rows(*options);
    };
    return command;
}

Declared declare_check(CLI::App& root) {
    auto [command, options] =
        begin<CheckOptions>(root, "check", "check a history file: its pages, and what its rows owe each other");
    command.needed.push_back(add_history_file(*command.app, options->db));
    command.app->add_flag("--full", options->full, "compare every index with its table too");
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return check_history(*options);
    };
    return command;
}

Declared declare_backup(CLI::App& root) {
    auto [command, options] =
        begin<BackupOptions>(root, "backup", "copy a history file, also while a daemon writes to it");
    command.needed.push_back(command.app->add_option("TO", options->to, "the new file"));
    command.needed.push_back(add_history_file(*command.app, options->db));
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return back_up(*options);
    };
    return command;
}

Declared declare_prune(CLI::App& root) {
    auto [command, options] =
        begin<PruneOptions>(root, "prune", "take streams that are over out of a history file, oldest first");
    command.needed.push_back(add_history_file(*command.app, options->db));
    add_whole(*command.app, "--keep-days", options->keep_days, "streams created earlier go", 1);
    add_whole(*command.app, "--keep-bytes", options->keep_bytes, "oldest streams go until the rest fits", 1);
    command.app->add_option("--stream", options->stream, "the stream of this name goes")->type_name("NAME");
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return prune(*options);
    };
    return command;
}

}  // namespace replayd::ctl
