#pragma once
// Options that several commands have. For the files that declare commands.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/replayctl/commands.hpp"
#include "daemon/replayctl/history_source.hpp"
#include "daemon/replayctl/trace_source.hpp"

namespace replayd::ctl {

/// The subcommand with --json, and the options of type `Options` that its callbacks fill.
template <class Options>
std::pair<Declared, std::shared_ptr<Options>> begin(CLI::App& root, const std::string& name, const std::string& what) {
    Declared command;
    command.app = root.add_subcommand(name, what);
    command.json = std::make_shared<bool>(false);
    command.app->add_flag("--json", *command.json, "print the result, and errors, as JSON");
    return {std::move(command), std::make_shared<Options>()};
}

/// --format NAME; `take` gets the format.
void add_format(CLI::App& app, const std::string& help, const std::function<void(TraceFormat)>& take);
/// How a trace is read and what is made of it.
void add_reading(CLI::App& app, TraceInput& trace);
/// The trace and how it is read.
CLI::Option* add_trace(CLI::App& app, TraceInput& trace);
/// --what-if KEY=VALUE, which may be repeated.
void add_what_if(CLI::App& app, std::vector<std::string>& settings);
void add_catalogs(CLI::App& app, std::vector<std::string>& catalogs);
void add_daemon(CLI::App& app, std::string& daemon, std::string& token_file);
/// A history file or a daemon.
void add_source(CLI::App& app, SourceChoice& source);

}  // namespace replayd::ctl
