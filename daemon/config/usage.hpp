#pragma once
// What is wrong with the arguments of replayd and replayctl, in the same words for both. For the files that declare
// options, which name CLI11.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace replayd::config {

/// "replayctl scenario": the program, and the commands down to this one.
[[nodiscard]] std::string path_of(const CLI::App& app);
/// "; see replayctl scenario --help"
[[nodiscard]] std::string see_help(const CLI::App& app);
[[nodiscard]] std::vector<std::string> command_names(const CLI::App& app);
/// "a, b or c"
[[nodiscard]] std::string listed(const std::vector<std::string>& names);

/// An argument that no command or option of `app` took, with the nearest name. Applications have to let such
/// arguments through (`allow_extras`): CLI11 lists them from the last to the first. Code `invalid_argument`.
[[nodiscard]] Error unexpected_argument(const CLI::App& app, const std::string& argument);
/// An option or argument whose value is "", which is what a shell makes of an unset variable. Code `invalid_argument`.
[[nodiscard]] std::optional<Error> empty_value(const CLI::App& app);
/// What CLI11 refused: an option without its value, one given twice, a flag with a value. Messages of our own readers
/// of values come through as they are. Code `invalid_argument`.
[[nodiscard]] Error refused(const CLI::ParseError& error);

/// Messages quote what they refuse: control characters in it must neither end the line nor steer the terminal.
[[nodiscard]] std::string one_line(std::string_view text);

}  // namespace replayd::config
