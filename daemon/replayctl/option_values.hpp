#pragma once
// Values of options with ranges: each refusal names the option, the value and what was expected. For
// command_line.cpp and the files of its commands, since CLI11 is heavy.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

namespace replayd::ctl {

/// Makes CLI11 refuse the value: "NAME is "VALUE": expected EXPECTED".
[[noreturn]] void refuse_value(const std::string& name, const std::string& value, const std::string& expected);

/// A whole number from `least` to `most`. Throws as above.
[[nodiscard]] std::int64_t whole_number(const std::string& name, const std::string& value, std::int64_t least,
                                        std::int64_t most = INT64_MAX);
/// A finite number.
[[nodiscard]] double real_number(const std::string& name, const std::string& value);

/// Options whose value goes into `target` through the readers above.
template <class Target>
CLI::Option* add_whole(CLI::App& app, const std::string& name, Target& target, const std::string& help,
                       std::int64_t least, std::int64_t most = INT64_MAX) {
    return app
        .add_option_function<std::string>(
            name, [name, &target, least, most](const std::string& value) {
                target = static_cast<Target>(whole_number(name, value, least, most));
            }, help)
        ->type_name("N");
}
template <class Target>
CLI::Option* add_whole(CLI::App& app, const std::string& name, std::optional<Target>& target, const std::string& help,
                       std::int64_t least) {
    return app
        .add_option_function<std::string>(
            name, [name, &target, least](const std::string& value) { target = whole_number(name, value, least); }, help)
        ->type_name("N");
}
/// One of some names, each standing for a value; the help shows them. Throws as above.
template <class Target>
CLI::Option* add_choice(CLI::App& app, const std::string& name, Target& target,
                        const std::vector<std::pair<std::string, Target>>& choices, const std::string& help) {
    std::string names;
    std::string expected;
    for (std::size_t i = 0; i < choices.size(); ++i) {
        names += (i == 0 ? "" : "|") + choices[i].first;
        expected += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + choices[i].first;
    }
    return app
        .add_option_function<std::string>(
            name,
            [name, &target, choices, expected](const std::string& value) {
                for (const auto& [known, meaning] : choices) {
                    if (known != value) continue;
                    target = meaning;
                    return;
                }
                refuse_value(name, value, expected);
            },
            help)
        ->type_name(names);
}
CLI::Option* add_real(CLI::App& app, const std::string& name, double& target, const std::string& help);
/// Seconds, or a number with a unit, into seconds.
CLI::Option* add_seconds(CLI::App& app, const std::string& name, double& target, const std::string& help);
/// As above, into nanoseconds.
CLI::Option* add_time(CLI::App& app, const std::string& name, const std::function<void(std::int64_t)>& take,
                      const std::string& help);

}  // namespace replayd::ctl
