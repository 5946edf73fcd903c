#include "daemon/replayctl/command_line.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "daemon/config/usage.hpp"
#include "daemon/config/version.hpp"
#include "daemon/replayctl/commands.hpp"

namespace replayd::ctl {
namespace {

/// What the parser let through: unknown arguments, missing ones.
Result<const Declared*> chosen(const CLI::App& root, const std::vector<Declared>& commands) {
    const CLI::App* app = &root;
    while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
    const std::vector<std::string> left_over = root.remaining(true);
    if (!left_over.empty()) return tl::unexpected(config::unexpected_argument(*app, left_over.front()));
    const auto found =
        std::find_if(commands.begin(), commands.end(), [app](const Declared& c) { return c.app == app; });
    if (found == commands.end()) {
        return fail(Code::invalid_argument, "a command is missing after " + config::path_of(*app) + ": expected " +
                                                config::listed(config::command_names(*app)) + config::see_help(*app));
    }
    if (auto empty = config::empty_value(*app)) return tl::unexpected(std::move(*empty));
    for (const CLI::Option* option : found->needed) {
        if (option->count() == 0) {
            return fail(Code::invalid_argument, option->get_name() + " is missing: expected " +
                                                    option->get_description() + config::see_help(*app));
        }
    }
    return &*found;
}

/// Unknown arguments are told by `chosen`, with a suggestion.
void keep_unknown(CLI::App& app) {
    app.allow_extras();
    for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) keep_unknown(*command);
}

}  // namespace

bool wants_json(int argc, const char* const* argv) {
    for (int i = 1; i < argc && std::string_view(argv[i]) != "--"; ++i) {
        if (std::string_view(argv[i]) == "--json") return true;
    }
    return false;
}

Result<Command> parse_command_line(int argc, const char* const* argv) {
    const auto root = std::make_shared<CLI::App>(
        "replayctl: replay LLM-serving traces, feed and question replayd", "replayctl");
    root->footer(std::string(k_exit_status_help));
    root->set_version_flag("--version", "replayctl " + std::string(config::k_version));
    std::vector<Declared> commands = {
        declare_replay(*root),      declare_stream(*root),  declare_generate(*root), declare_plan(*root),
        declare_runs(*root),        declare_explain(*root), declare_query(*root),    declare_search(*root),
        declare_afd_ratio(*root),   declare_check(*root),   declare_backup(*root),   declare_prune(*root),
        declare_recalibrate(*root), declare_compare(*root), declare_bisect(*root),   declare_at(*root),
        declare_merge(*root),       declare_export(*root),  declare_follow(*root)};
    CLI::App& scenario = *root->add_subcommand("scenario", "check, list and show scenarios");
    for (Declared& command : declare_scenario(scenario)) commands.push_back(std::move(command));
    CLI::App& cost = *root->add_subcommand("cost", "price kernels and steps, and check the laws behind");
    for (Declared& command : declare_cost(cost)) commands.push_back(std::move(command));
    keep_unknown(*root);
    Command command;
    try {
        root->parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        command.print = root->help();
        return command;
    } catch (const CLI::CallForVersion& version) {
        command.print = std::string(version.what()) + '\n';
        return command;
    } catch (const CLI::ParseError& error) {
        return tl::unexpected(config::refused(error));
    }
    const auto declared = chosen(*root, commands);
    if (!declared) return tl::unexpected(declared.error());
    // The application owns the options that the command was declared with.
    const OutputMode mode = *(*declared)->json ? OutputMode::json : OutputMode::table;
    command.run = [root, run = (*declared)->run, mode] { return run(mode); };
    return command;
}

}  // namespace replayd::ctl
