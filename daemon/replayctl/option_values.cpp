#include "daemon/replayctl/option_values.hpp"

#include <charconv>
#include <cmath>

#include "daemon/net/quoted.hpp"
#include "daemon/replayctl/human_text.hpp"

namespace replayd::ctl {

void refuse_value(const std::string& name, const std::string& value, const std::string& expected) {
    throw CLI::ParseError(name + " is " + net::quoted(value) + ": expected " + expected, 2);
}

std::int64_t whole_number(const std::string& name, const std::string& value, std::int64_t least, std::int64_t most) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || number < least || number > most) {
        refuse_value(name, value, "a whole number, " + count_text(least) +
                                      (most == INT64_MAX ? " or more" : " to " + count_text(most)));
    }
    return number;
}

double real_number(const std::string& name, const std::string& value) {
    double number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || !std::isfinite(number)) {
        refuse_value(name, value, "a number");
    }
    return number;
}

CLI::Option* add_real(CLI::App& app, const std::string& name, double& target, const std::string& help) {
    return app
        .add_option_function<std::string>(
            name, [name, &target](const std::string& value) { target = real_number(name, value); }, help)
        ->type_name("X");
}

CLI::Option* add_time(CLI::App& app, const std::string& name, const std::function<void(std::int64_t)>& take,
                      const std::string& help) {
    return app
        .add_option_function<std::string>(
            name, [name, take](const std::string& value) {
                const std::int64_t ns = parse_time(value);
                if (ns < 0) refuse_value(name, value, "a time such as 90, 90s, 1.5m, 250ms or 2h");
                take(ns);
            }, help)
        ->type_name("TIME");
}

CLI::Option* add_seconds(CLI::App& app, const std::string& name, double& target, const std::string& help) {
    return add_time(app, name, [&target](std::int64_t ns) { target = static_cast<double>(ns) * 1e-9; }, help);
}

}  // namespace replayd::ctl
