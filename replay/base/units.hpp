#pragma once
// Strong integer units: virtual time in nanoseconds, token counts and bytes. They mix only where the
// mix has a meaning (a time minus a time is a duration). Every type is 8 bytes and trivially copyable.

#include <compare>
#include <cstdint>

namespace replayd {

/// A count of one kind of thing; `Tag` makes kinds distinct. Arithmetic stays inside the kind.
template <class Tag>
struct Quantity {
    std::int64_t value = 0;

    constexpr Quantity() = default;
    constexpr explicit Quantity(std::int64_t v) : value(v) {}

    constexpr auto operator<=>(const Quantity&) const = default;
    constexpr Quantity operator-() const { return Quantity(-value); }
    constexpr Quantity& operator+=(Quantity o) {
        value += o.value;
        return *this;
    }
    constexpr Quantity& operator-=(Quantity o) {
        value -= o.value;
        return *this;
    }
    friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity(a.value + b.value); }
    friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity(a.value - b.value); }
    friend constexpr Quantity operator*(Quantity a, std::int64_t n) { return Quantity(a.value * n); }
    friend constexpr Quantity operator*(std::int64_t n, Quantity a) { return Quantity(a.value * n); }
};

using Duration = Quantity<struct DurationTag>;  ///< virtual nanoseconds
using Tokens = Quantity<struct TokensTag>;      ///< tokens
using Bytes = Quantity<struct BytesTag>;        ///< bytes

/// A point on the virtual clock: nanoseconds since the stream's epoch. Never negative in a run.
struct VirtualTime {
    std::int64_t ns = 0;

    constexpr VirtualTime() = default;
    constexpr explicit VirtualTime(std::int64_t v) : ns(v) {}

    constexpr auto operator<=>(const VirtualTime&) const = default;
    friend constexpr VirtualTime operator+(VirtualTime t, Duration d) { return VirtualTime(t.ns + d.value); }
    friend constexpr VirtualTime operator-(VirtualTime t, Duration d) { return VirtualTime(t.ns - d.value); }
    friend constexpr Duration operator-(VirtualTime a, VirtualTime b) { return Duration(a.ns - b.ns); }
};

static_assert(sizeof(Duration) == 8 && sizeof(VirtualTime) == 8);

inline constexpr std::int64_t k_ns_per_us = 1'000;
inline constexpr std::int64_t k_ns_per_ms = 1'000'000;
inline constexpr std::int64_t k_ns_per_s = 1'000'000'000;

/// Seconds as a double: for metrics and people only, never for arithmetic that reaches a result.
constexpr double to_seconds(Duration d) { return static_cast<double>(d.value) * 1e-9; }
constexpr double to_seconds(VirtualTime t) { return static_cast<double>(t.ns) * 1e-9; }

/// Rounds `a / b` up, for `a >= 0` and `b > 0`.
constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace replayd
