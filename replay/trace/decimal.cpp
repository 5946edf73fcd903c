#include "replay/trace/decimal.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace replayd {
namespace {

constexpr std::uint64_t k_magnitude_max = std::numeric_limits<std::int64_t>::max();
// Exponents beyond this many digits either overflow or vanish, whatever the digits before them.
constexpr int k_exponent_max = 100'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Appends a decimal digit; false when the magnitude would leave int64.
bool push_digit(std::uint64_t& magnitude, int digit) {
    const auto added = static_cast<std::uint64_t>(digit);
    if (magnitude > (k_magnitude_max - added) / 10) return false;
    magnitude = magnitude * 10 + added;
    return true;
}

struct DecimalParts {
    bool negative = false;
    std::string_view whole;     // digits before the point
    std::string_view fraction;  // digits after it
    int exponent = 0;
};

std::string_view take_digits(std::string_view& text) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
    const auto count = static_cast<std::size_t>(end - text.begin());
    const std::string_view digits = text.substr(0, count);
    text.remove_prefix(count);
    return digits;
}

std::optional<int> parse_exponent(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
    int value = 0;
    for (const char c : text) value = std::min(value * 10 + (c - '0'), k_exponent_max);
    return negative ? -value : value;
}

std::optional<DecimalParts> split_decimal(std::string_view text) {
    DecimalParts parts;
    parts.negative = text.starts_with('-');
    if (parts.negative || text.starts_with('+')) text.remove_prefix(1);
    parts.whole = take_digits(text);
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        parts.fraction = take_digits(text);
        if (parts.fraction.empty()) return std::nullopt;
    }
    if (parts.whole.empty()) return std::nullopt;
    if (text.empty()) return parts;
    if (text.front() != 'e' && text.front() != 'E') return std::nullopt;
    const auto exponent = parse_exponent(text.substr(1));
    if (!exponent) return std::nullopt;
    parts.exponent = *exponent;
    return parts;
}

}  // namespace

std::optional<std::int64_t> parse_decimal(std::string_view text, int exponent) {
    const auto parts = split_decimal(text);
    if (!parts) return std::nullopt;
    const auto digits = static_cast<std::int64_t>(parts->whole.size() + parts->fraction.size());
    // The first `kept` digits of whole + fraction are the integral part of the scaled value.
    const std::int64_t kept =
        static_cast<std::int64_t>(parts->whole.size()) + parts->exponent + exponent;
    const auto digit = [&](std::int64_t i) {
        const auto at = static_cast<std::size_t>(i);
        const std::size_t whole = parts->whole.size();
        return (at < whole ? parts->whole[at] : parts->fraction[at - whole]) - '0';
    };
    std::uint64_t magnitude = 0;
    for (std::int64_t i = 0; i < std::min(kept, digits); ++i) {
        if (!push_digit(magnitude, digit(i))) return std::nullopt;
    }
    for (std::int64_t i = digits; i < kept && magnitude != 0; ++i) {
        if (!push_digit(magnitude, 0)) return std::nullopt;
    }
    if (kept >= 0 && kept < digits && digit(kept) >= 5) {
        if (magnitude == k_magnitude_max) return std::nullopt;
        ++magnitude;
    }
    const auto value = static_cast<std::int64_t>(magnitude);
    return parts->negative ? -value : value;
}

std::optional<std::uint64_t> parse_whole(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::string format_decimal(std::int64_t value, int exponent) {
    std::string digits = std::to_string(value);
    const std::string sign = value < 0 ? "-" : "";
    digits.erase(0, sign.size());
    const auto fraction = static_cast<std::size_t>(exponent);
    if (digits.size() <= fraction) digits.insert(0, fraction + 1 - digits.size(), '0');
    std::string tail = digits.substr(digits.size() - fraction);
    digits.resize(digits.size() - fraction);
    while (tail.ends_with('0')) tail.pop_back();
    return sign + digits + (tail.empty() ? "" : "." + tail);
}

}  // namespace replayd
