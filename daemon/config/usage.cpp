#include "daemon/config/usage.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "daemon/net/quoted.hpp"
#include "replay/base/nearest_name.hpp"

namespace replayd::config {
namespace {

std::string suggestion(const std::string& name, const std::vector<std::string>& known) {
    const std::string nearest = nearest_name(name, known);
    return nearest.empty() ? "" : "; did you mean " + nearest + "?";
}

/// CLI11's "--limit: At Most 1 required but received 2" or "--limit: 1 required N missing" in our words.
std::string mismatch(const std::string& message) {
    const std::size_t end = message.find(": ");
    if (end == std::string::npos) return message;
    const bool repeated = message.find("but received", end) != std::string::npos;
    return message.substr(0, end) +
           (repeated ? " is given more than once: expected one" : " has no value: expected one after it");
}

/// CLI11's "Could not convert: --json = maybe" in our words. Options with values have readers of our own, so that it
/// says this of flags only.
std::string conversion(const std::string& message) {
    constexpr std::string_view before = "Could not convert: ";
    constexpr std::string_view between = " = ";
    const std::size_t at = message.find(between);
    if (!message.starts_with(before) || at == std::string::npos) return message;
    return message.substr(before.size(), at - before.size()) + " is " +
           net::quoted(message.substr(at + between.size())) + ": expected it alone, without a value";
}

}  // namespace

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

Error unexpected_argument(const CLI::App& app, const std::string& argument) {
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

std::optional<Error> empty_value(const CLI::App& app) {
    for (const CLI::Option* option : app.get_options()) {
        const auto& values = option->results();
        if (std::find(values.begin(), values.end(), "") == values.end()) continue;
        return Error{Code::invalid_argument, option->get_name() + " is empty: expected a value, or leave it out" +
                                                 see_help(app)};
    }
    return std::nullopt;
}

Error refused(const CLI::ParseError& error) {
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
        return {Code::invalid_argument, mismatch(error.what())};
    }
    if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
        return {Code::invalid_argument, conversion(error.what())};
    }
    return {Code::invalid_argument, error.what()};
}

std::string one_line(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string line;
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (character == '\n')
            line += ' ';
        else if (byte >= 0x20 && byte != 0x7f)
            line += character;
        else
            line += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    }
    return line;
}

}  // namespace replayd::config
