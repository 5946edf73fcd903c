#include "daemon/replayctl/human_text.hpp"

#include <gtest/gtest.h>

namespace replayd::ctl {
namespace {

// Each unit is used where it gives the fewest digits that still tell.
TEST(HumanText, times_take_the_unit_that_suits_them) {
    EXPECT_EQ(time_text(0), "0 ns");
    EXPECT_EQ(time_text(999), "999 ns");
    EXPECT_EQ(time_text(1'500), "1.5 µs");
    EXPECT_EQ(time_text(45'678'900), "45.7 ms");
    EXPECT_EQ(time_text(7'890'000'000), "7.89 s");
    EXPECT_EQ(time_text(119'000'000'000), "119.00 s");
    EXPECT_EQ(time_text(600'000'000'000), "10.0 min");
    EXPECT_EQ(time_text(7'200'000'000'000), "2.0 h");
    EXPECT_EQ(time_text(-45'000'000), "-45.0 ms");
}

TEST(HumanText, counts_have_separators_every_three_digits) {
    EXPECT_EQ(count_text(0), "0");
    EXPECT_EQ(count_text(999), "999");
    EXPECT_EQ(count_text(1'000), "1,000");
    EXPECT_EQ(count_text(-1'234'567), "-1,234,567");
}

TEST(HumanText, bytes_are_in_powers_of_1024) {
    EXPECT_EQ(bytes_text(1'023), "1023 B");
    EXPECT_EQ(bytes_text(1'536), "1.50 KiB");
    EXPECT_EQ(bytes_text(80LL << 30), "80.00 GiB");
}

TEST(HumanText, dates_are_utc) { EXPECT_EQ(date_text(86'400'000), "1970-01-02 00:00:00"); }

// What a person may write for a time, and what is refused rather than guessed.
TEST(HumanText, reads_times_with_and_without_units) {
    EXPECT_EQ(parse_time("90"), 90'000'000'000);
    EXPECT_EQ(parse_time("1.5m"), 90'000'000'000);
    EXPECT_EQ(parse_time("250ms"), 250'000'000);
    EXPECT_EQ(parse_time("2h"), 7'200'000'000'000);
    EXPECT_EQ(parse_time("7ns"), 7);
    for (const char* wrong : {"", "s", "-1s", "1 s", "1w", "99999999999999d"}) {
        EXPECT_EQ(parse_time(wrong), -1) << wrong;
    }
}

}  // namespace
}  // namespace replayd::ctl
