#pragma once
// Numbers as people read them. The texts do not depend on the locale.

#include <cstdint>
#include <string>
#include <string_view>

namespace replayd::ctl {

/// 19366 → "19,366".
[[nodiscard]] std::string count_text(std::int64_t count);

/// `value` with `decimals` digits after the point: (3.14159, 2) → "3.14".
[[nodiscard]] std::string decimal_text(double value, int decimals);

/// Nanoseconds in the unit that suits them: "850 ns", "12.3 µs", "45.6 ms", "7.89 s", "12.3 min", "4.5 h".
[[nodiscard]] std::string time_text(std::int64_t ns);

/// "512 B", "1.50 KiB", "13.96 GiB".
[[nodiscard]] std::string bytes_text(std::int64_t bytes);

/// 0.1234 → "12.3 %".
[[nodiscard]] std::string percent_text(double ratio);

/// Wall milliseconds since the Unix epoch as "2025-01-31 13:05:09" in UTC.
[[nodiscard]] std::string date_text(std::int64_t wall_ms);

/// Nanoseconds of "90", "90s", "1.5m", "250ms", "2h", "1d" (without a unit: seconds); -1 for anything else, and for
/// what does not fit.
[[nodiscard]] std::int64_t parse_time(std::string_view text);

}  // namespace replayd::ctl
