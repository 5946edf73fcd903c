#pragma once
// Wall-clock time stamps of traces ("2023-11-16 18:15:46.6805900") as nanoseconds since the Unix epoch.
// Calendar arithmetic: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (public domain).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace replayd {

struct WallClock {
    std::int64_t unix_ns = 0;  ///< taken as UTC when the text names no zone
    bool zoned = false;        ///< the text named its zone
};

/// Parses `YYYY-MM-DD HH:MM:SS[.fraction][zone]`, with a space or `T` between date and time, any number
/// of fraction digits (rounded to nanoseconds) and zone `Z`, `UTC`, `±HH`, `±HHMM` or `±HH:MM`, with or
/// without a space before it. Years 1700 to 2200. Nothing when the text is anything else.
[[nodiscard]] std::optional<WallClock> parse_wall_clock(std::string_view text);

/// The UTC text of `unix_ns` (years 1700 to 2200) without zone, in the style of the Azure traces:
/// 7 fraction digits, or 9 where 7 would lose nanoseconds.
[[nodiscard]] std::string format_wall_clock(std::int64_t unix_ns);

}  // namespace replayd
