#include "replay/trace/wall_clock.hpp"

#include <gtest/gtest.h>

#include "replay/base/random.hpp"
#include "replay/base/units.hpp"

namespace replayd {
namespace {

std::optional<std::int64_t> unix_ns(std::string_view text) {
    const auto clock = parse_wall_clock(text);
    return clock ? std::optional(clock->unix_ns) : std::nullopt;
}

// Reference values from `date -u -d TEXT +%s`.
TEST(WallClock, reads_dates_of_the_calendar) {
    EXPECT_EQ(unix_ns("1970-01-01 00:00:00"), 0);
    EXPECT_EQ(unix_ns("2023-11-16 18:15:46.6805900"), 1'700'158'546'680'590'000);
    EXPECT_EQ(unix_ns("2024-02-29 23:59:59"), 1'709'251'199 * k_ns_per_s);
    EXPECT_EQ(unix_ns("1969-12-31 23:59:59.999999999"), -1);
    EXPECT_EQ(unix_ns("2000-03-01T00:00:00"), 951'868'800 * k_ns_per_s);
}

// The week-long Azure samples may carry any number of digits.
TEST(WallClock, takes_any_number_of_fraction_digits) {
    const std::int64_t second = 1'700'158'546 * k_ns_per_s;
    EXPECT_EQ(unix_ns("2023-11-16 18:15:46"), second);
    EXPECT_EQ(unix_ns("2023-11-16 18:15:46.5"), second + 500'000'000);
    EXPECT_EQ(unix_ns("2023-11-16 18:15:46.123456789"), second + 123'456'789);
    EXPECT_EQ(unix_ns("2023-11-16 18:15:46.1234567895"), second + 123'456'790);
    EXPECT_EQ(unix_ns("2023-11-16 18:15:59.9999999999"), second + 14 * k_ns_per_s);
}

// A zone shifts to UTC and is reported, so that a file that mixes stamps with and without can be refused.
TEST(WallClock, applies_zones) {
    const std::int64_t utc = 1'700'158'546 * k_ns_per_s;
    for (const char* text : {"2023-11-16 18:15:46Z", "2023-11-16 18:15:46 UTC", "2023-11-16 18:15:46+00:00",
                             "2023-11-16 19:15:46+01", "2023-11-16 13:15:46-0500", "2023-11-16 23:45:46 +05:30"}) {
        const auto clock = parse_wall_clock(text);
        ASSERT_TRUE(clock) << text;
        EXPECT_EQ(clock->unix_ns, utc) << text;
        EXPECT_TRUE(clock->zoned) << text;
    }
    EXPECT_FALSE(parse_wall_clock("2023-11-16 18:15:46")->zoned);
}

// No day that the calendar lacks, no trailing rest, no other order.
TEST(WallClock, refuses_everything_else) {
    for (const char* text : {"", "2023-11-16", "2023-02-29 00:00:00", "1900-02-29 00:00:00", "2023-13-01 00:00:00",
                             "2023-00-01 00:00:00", "2023-11-31 00:00:00", "2023-11-16 24:00:00", "2023-11-16 18:60:00",
                             "2023-11-16 18:15:60", "2023-11-16 18:15:46.", "2023-11-16 18:15:46x", "2023-11-16 18:15",
                             "16/11/2023 18:15:46", "2023-11-16_18:15:46", "2023-11-16 18:15:46+15",
                             "2023-11-16 18:15:46+1", "2023-11-16 18:15:46+01:", "2023-11-16 18:15:46 ",
                             "1699-12-31 00:00:00", "-023-11-16 18:15:46"}) {
        EXPECT_EQ(unix_ns(text), std::nullopt) << text;
    }
}

// Azure's 7 digits where they are exact, 9 where they would lose nanoseconds; reading undoes writing.
TEST(WallClock, writes_what_it_reads) {
    EXPECT_EQ(format_wall_clock(1'700'158'546'680'590'000), "2023-11-16 18:15:46.6805900");
    EXPECT_EQ(format_wall_clock(1), "1970-01-01 00:00:00.000000001");
    EXPECT_EQ(format_wall_clock(-1), "1969-12-31 23:59:59.999999999");
    Random random(11);
    for (int i = 0; i < 5'000; ++i) {
        // From 1875 to 2096.
        const std::int64_t at =
            static_cast<std::int64_t>(random.below(7'000'000'000'000'000'000)) - 3'000'000'000 * k_ns_per_s;
        EXPECT_EQ(unix_ns(format_wall_clock(at)), at);
    }
}

}  // namespace
}  // namespace replayd
