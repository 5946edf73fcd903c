#include "replay/trace/wall_clock.hpp"

#include <array>

#include "replay/base/units.hpp"
#include "replay/trace/decimal.hpp"

namespace replayd {
namespace {

constexpr std::int64_t k_seconds_per_day = 86'400;

struct Date {
    std::int64_t year = 0;
    std::int64_t month = 0;
    std::int64_t day = 0;
};

// Days since 1970-01-01 of a date of the proleptic Gregorian calendar.
std::int64_t days_of(Date date) {
    const std::int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    const std::int64_t era = year / 400;
    const std::int64_t year_of_era = year - era * 400;
    const std::int64_t month_from_march = (date.month + 9) % 12;
    const std::int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    const std::int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146'097 + day_of_era - 719'468;
}

// The date `days` after 1970-01-01, for days from the year 1 on.
Date date_of(std::int64_t days) {
    days += 719'468;
    const std::int64_t era = days / 146'097;
    const std::int64_t day_of_era = days - era * 146'097;
    const std::int64_t year_of_era =
        (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const std::int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
    const std::int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    const std::int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

std::int64_t days_in_month(std::int64_t year, std::int64_t month) {
    constexpr std::array<std::int64_t, 12> k_days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : k_days[static_cast<std::size_t>(month - 1)];
}

// Takes exactly `count` digits off the front; nothing unless their value is in [low, high].
std::optional<std::int64_t> take_number(std::string_view& text, std::size_t count, std::int64_t low,
                                        std::int64_t high) {
    if (text.size() < count) return std::nullopt;
    const auto value = parse_whole(text.substr(0, count));
    text.remove_prefix(count);
    if (!value) return std::nullopt;
    const auto number = static_cast<std::int64_t>(*value);
    if (number < low || number > high) return std::nullopt;
    return number;
}

bool take_char(std::string_view& text, std::string_view allowed) {
    if (text.empty() || allowed.find(text.front()) == std::string_view::npos) return false;
    text.remove_prefix(1);
    return true;
}

std::optional<Date> take_date(std::string_view& text) {
    const auto year = take_number(text, 4, 1700, 2200);
    if (!year || !take_char(text, "-")) return std::nullopt;
    const auto month = take_number(text, 2, 1, 12);
    if (!month || !take_char(text, "-")) return std::nullopt;
    const auto day = take_number(text, 2, 1, days_in_month(*year, *month));
    if (!day) return std::nullopt;
    return Date{*year, *month, *day};
}

// Nanoseconds since midnight.
std::optional<std::int64_t> take_time(std::string_view& text) {
    const auto hour = take_number(text, 2, 0, 23);
    if (!hour || !take_char(text, ":")) return std::nullopt;
    const auto minute = take_number(text, 2, 0, 59);
    if (!minute || !take_char(text, ":") || text.size() < 2) return std::nullopt;
    std::size_t length = 2;
    if (text.size() > 2 && text[2] == '.') {
        length = text.find_first_not_of("0123456789", 3);
        if (length == std::string_view::npos) length = text.size();
    }
    const auto second_ns = parse_decimal(text.substr(0, length), 9);
    std::string_view whole = text.substr(0, 2);
    if (!second_ns || !take_number(whole, 2, 0, 59)) return std::nullopt;
    text.remove_prefix(length);
    return (*hour * 3'600 + *minute * 60) * k_ns_per_s + *second_ns;
}

// Seconds east of UTC.
std::optional<std::int64_t> parse_zone(std::string_view text) {
    if (text == "Z" || text == "UTC") return 0;
    const bool west = text.starts_with('-');
    if (!take_char(text, "+-")) return std::nullopt;
    const auto hours = take_number(text, 2, 0, 14);
    if (!hours) return std::nullopt;
    std::int64_t minutes = 0;
    if (!text.empty()) {
        take_char(text, ":");
        const auto found = take_number(text, 2, 0, 59);
        if (!found || !text.empty()) return std::nullopt;
        minutes = *found;
    }
    const std::int64_t seconds = *hours * 3'600 + minutes * 60;
    return west ? -seconds : seconds;
}

std::string padded(std::int64_t value, std::size_t width) {
    std::string digits = std::to_string(value);
    return digits.size() < width ? std::string(width - digits.size(), '0') + digits : digits;
}

}  // namespace

std::optional<WallClock> parse_wall_clock(std::string_view text) {
    const auto date = take_date(text);
    if (!date || !take_char(text, " T")) return std::nullopt;
    const auto time_ns = take_time(text);
    if (!time_ns) return std::nullopt;
    WallClock clock{days_of(*date) * k_seconds_per_day * k_ns_per_s + *time_ns, false};
    if (text.empty()) return clock;
    take_char(text, " ");
    const auto east_s = parse_zone(text);
    if (!east_s) return std::nullopt;
    return WallClock{clock.unix_ns - *east_s * k_ns_per_s, true};
}

std::string format_wall_clock(std::int64_t unix_ns) {
    constexpr std::int64_t k_day_ns = k_seconds_per_day * k_ns_per_s;
    std::int64_t days = unix_ns / k_day_ns;
    if (unix_ns % k_day_ns < 0) --days;
    const std::int64_t of_day = unix_ns - days * k_day_ns;
    const std::int64_t seconds = of_day / k_ns_per_s;
    const std::int64_t fraction = of_day % k_ns_per_s;
    const Date date = date_of(days);
    const std::string ticks = fraction % 100 == 0 ? padded(fraction / 100, 7) : padded(fraction, 9);
    return padded(date.year, 4) + '-' + padded(date.month, 2) + '-' + padded(date.day, 2) + ' ' +
           padded(seconds / 3'600, 2) + ':' + padded(seconds / 60 % 60, 2) + ':' +
           padded(seconds % 60, 2) + '.' + ticks;
}

}  // namespace replayd
