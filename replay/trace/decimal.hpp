#pragma once
// Decimal text to integers and back, without passing through floating point: a trace's "0.1" seconds
// are exactly 100,000,000 ns.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace replayd {

/// Value of `text` ("12", "-0.25", "1.5e-3") times 10^`exponent`, rounded half away from zero. Nothing
/// when the text is no decimal number or the result leaves the range of ±(2^63-1). O(length).
[[nodiscard]] std::optional<std::int64_t> parse_decimal(std::string_view text, int exponent);

/// Value of a whole number without sign, point or exponent ("0", "42"), up to 2^64-1.
[[nodiscard]] std::optional<std::uint64_t> parse_whole(std::string_view text);

/// `value` divided by 10^`exponent` (0 to 18), exact and as short as possible: (1500, 3) is "1.5".
[[nodiscard]] std::string format_decimal(std::int64_t value, int exponent);

}  // namespace replayd
