#include "daemon/replayctl/command_line.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "daemon/config/version.hpp"
#include "daemon/net/quoted.hpp"
#include "daemon/replayctl/commands.hpp"
#include "replay/base/nearest_name.hpp"

namespace replayd::ctl {
namespace {

std::string suggestion(const std::string& name, const std::vector<std::string>& known) {
    const std::string nearest = nearest_name(name, known);
    return nearest.empty() ? "" : "; did you mean " + nearest + "?";
}

std::string path_of(const CLI::App& app) {
    const CLI::App* parent = app.get_parent();
    return parent == nullptr ? app.get_name() : path_of(*parent) + ' ' + app.get_name();
}

std::string see_help(const CLI::App& app) { return "; see " + path_of(app) + " --help"; }

std::vector<std::string> command_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
    return names;
}

std::string listed(const std::vector<std::string>& names) {
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        out += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
    }
    return out;
}

/// An argument that no command or option took.
Error unexpected(const CLI::App& app, const std::string& argument) {
    if (argument.starts_with('-')) {
        std::vector<std::string> known;
        for (const CLI::Option* option : app.get_options()) {
            if (!option->get_lnames().empty()) known.push_back("--" + option->get_lnames().front());
        }
        const std::string name = argument.substr(0, argument.find('='));
        return {Code::invalid_argument,
                "unknown option " + net::quoted(name) + suggestion(name, known) + see_help(app)};
    }
    const std::vector<std::string> commands = command_names(app);
    if (commands.empty()) {
        return {Code::invalid_argument, "unexpected argument " + net::quoted(argument) + see_help(app)};
    }
    return {Code::invalid_argument, "unknown command " + net::quoted(argument) + ": expected " + listed(commands) +
                                        suggestion(argument, commands)};
}

/// What the parser let through: unknown arguments, missing ones.
Result<const Declared*> chosen(const CLI::App& root, const std::vector<Declared>& commands) {
    const CLI::App* app = &root;
    while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
    const std::vector<std::string> left_over = root.remaining(true);
    if (!left_over.empty()) return tl::unexpected(unexpected(*app, left_over.front()));
    const auto found =
        std::find_if(commands.begin(), commands.end(), [app](const Declared& c) { return c.app == app; });
    if (found == commands.end()) {
        return fail(Code::invalid_argument, "a command is missing after " + path_of(*app) + ": expected " +
                                                listed(command_names(*app)) + see_help(*app));
    }
    for (const CLI::Option* option : found->needed) {
        if (option->count() == 0) {
            return fail(Code::invalid_argument, option->get_name() + " is missing: expected " +
                                                    option->get_description() + see_help(*app));
        }
    }
    return &*found;
}

/// CLI11's "--limit: At Most 1 required but received 2" or "--limit: 1 required N missing" in our words.
std::string mismatch(const std::string& message) {
    const std::size_t end = message.find(": ");
    if (end == std::string::npos) return message;
    const bool repeated = message.find("but received", end) != std::string::npos;
    return message.substr(0, end) +
           (repeated ? " is given more than once: expected one" : " has no value: expected one after it");
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
    } catch (const CLI::ArgumentMismatch& error) {
        return fail(Code::invalid_argument, mismatch(error.what()));
    } catch (const CLI::ParseError& error) {
        return fail(Code::invalid_argument, error.what());
    }
    const auto declared = chosen(*root, commands);
    if (!declared) return tl::unexpected(declared.error());
    // The application owns the options that the command was declared with.
    const OutputMode mode = *(*declared)->json ? OutputMode::json : OutputMode::table;
    command.run = [root, run = (*declared)->run, mode] { return run(mode); };
    return command;
}

}  // namespace replayd::ctl
