#include "daemon/replayctl/human_text.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "replay/base/units.hpp"
#include "replay/trace/decimal.hpp"

namespace replayd::ctl {
namespace {

constexpr std::int64_t k_ns_per_minute = 60 * k_ns_per_s;
constexpr std::int64_t k_ns_per_hour = 60 * k_ns_per_minute;

struct TimeStep {
    std::int64_t below_ns;
    std::int64_t unit_ns;
    int decimals;
    const char* unit;
};
// Two minutes still read better as "90.00 s", two hours as "90.0 min".
constexpr std::array<TimeStep, 5> k_time_steps = {{{k_ns_per_us, 1, 0, " ns"},
                                                   {k_ns_per_ms, k_ns_per_us, 1, " µs"},
                                                   {k_ns_per_s, k_ns_per_ms, 1, " ms"},
                                                   {2 * k_ns_per_minute, k_ns_per_s, 2, " s"},
                                                   {2 * k_ns_per_hour, k_ns_per_minute, 1, " min"}}};

}  // namespace

std::string count_text(std::int64_t count) {
    std::string digits = std::to_string(count);
    const std::size_t first = count < 0 ? 1 : 0;
    for (std::size_t at = digits.size(); at > first + 3;) {
        at -= 3;
        digits.insert(at, ",");
    }
    return digits;
}

std::string decimal_text(double value, int decimals) {
    std::array<char, 400> text{};  // the longest double has 309 digits before the point
    const int length = std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
    return {text.data(), static_cast<std::size_t>(length)};
}

std::string time_text(std::int64_t ns) {
    for (const TimeStep& step : k_time_steps) {
        if (std::abs(ns) < step.below_ns) {
            return decimal_text(static_cast<double>(ns) / static_cast<double>(step.unit_ns), step.decimals) + step.unit;
        }
    }
    return decimal_text(static_cast<double>(ns) / static_cast<double>(k_ns_per_hour), 1) + " h";
}

std::string bytes_text(std::int64_t bytes) {
    constexpr std::array<const char*, 5> k_units = {" KiB", " MiB", " GiB", " TiB", " PiB"};
    if (std::abs(bytes) < 1024) return std::to_string(bytes) + " B";
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    while (std::abs(value) >= 1024 && unit + 1 < k_units.size()) {
        value /= 1024;
        ++unit;
    }
    return decimal_text(value, 2) + k_units[unit];
}

std::string percent_text(double ratio) { return decimal_text(ratio * 100, 1) + " %"; }

std::string date_text(std::int64_t wall_ms) {
    const std::time_t seconds = wall_ms / 1000;
    std::tm parts{};
    std::array<char, 64> text{};
    if (gmtime_r(&seconds, &parts) == nullptr) return std::to_string(wall_ms) + " ms";
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts)};
}

std::int64_t parse_time(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, std::int64_t>, 7> k_units = {
        {{"ns", 1}, {"us", k_ns_per_us}, {"ms", k_ns_per_ms}, {"s", k_ns_per_s},
         {"m", k_ns_per_minute}, {"h", k_ns_per_hour}, {"d", 24 * k_ns_per_hour}}};
    std::int64_t unit_ns = k_ns_per_s;
    for (const auto& [name, ns] : k_units) {
        if (!text.ends_with(name)) continue;
        unit_ns = ns;
        text.remove_suffix(name.size());
        break;
    }
    // Thousandths of any unit are kept.
    const auto thousandths = parse_decimal(text, 3);
    std::int64_t ns = 0;
    if (!thousandths || *thousandths < 0 || __builtin_mul_overflow(*thousandths, unit_ns, &ns)) return -1;
    return ns / 1000;
}

}  // namespace replayd::ctl
