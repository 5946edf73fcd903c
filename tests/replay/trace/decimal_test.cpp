#include "replay/trace/decimal.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "replay/base/random.hpp"

namespace replayd {
namespace {

constexpr std::int64_t k_max = std::numeric_limits<std::int64_t>::max();

// 0.1 has no exact double; 1787267980.0827403 s would lose nanoseconds as one.
TEST(Decimal, reads_decimal_text_exactly) {
    EXPECT_EQ(parse_decimal("0.1", 9), 100'000'000);
    EXPECT_EQ(parse_decimal("1787267980.0827403", 9), 1'787'267'980'082'740'300);
    EXPECT_EQ(parse_decimal("9223372036.854775807", 9), k_max);
    EXPECT_EQ(parse_decimal("-9223372036.854775807", 9), -k_max);
    EXPECT_EQ(parse_decimal("12", 6), 12'000'000);
    EXPECT_EQ(parse_decimal("+00012.50", 6), 12'500'000);
    EXPECT_EQ(parse_decimal("7", 0), 7);
}

// pandas and Python print small and large floats with an exponent.
TEST(Decimal, understands_exponents) {
    EXPECT_EQ(parse_decimal("5e-05", 9), 50'000);
    EXPECT_EQ(parse_decimal("1.5E+3", 6), 1'500'000'000);
    EXPECT_EQ(parse_decimal("1e-400", 9), 0);
    EXPECT_EQ(parse_decimal("0e999999999999", 9), 0);
    EXPECT_EQ(parse_decimal("1e999999999999", 9), std::nullopt);
}

// Digits beyond the unit round, half away from zero; they never cut.
TEST(Decimal, rounds_what_the_unit_cannot_hold) {
    EXPECT_EQ(parse_decimal("0.0000000014", 9), 1);
    EXPECT_EQ(parse_decimal("0.0000000015", 9), 2);
    EXPECT_EQ(parse_decimal("-0.0000000015", 9), -2);
    EXPECT_EQ(parse_decimal("0.9999999999", 9), 1'000'000'000);
    EXPECT_EQ(parse_decimal("0.00000000005", 9), 0);
}

// Whatever is no decimal number, or too large for 64 bits, is nothing; no prefix is taken for the whole.
TEST(Decimal, refuses_everything_else) {
    for (const char* text : {"", " 1", "1 ", "1.", ".5", "-", "+", "1e", "1e+", "1.5.2", "0x10", "nan", "inf", "1,5",
                             "--1", "1e5x", "9223372036.854775808", "99999999999999999999"}) {
        EXPECT_EQ(parse_decimal(text, 9), std::nullopt) << text;
    }
}

TEST(Decimal, reads_whole_numbers_up_to_64_bits) {
    EXPECT_EQ(parse_whole("0"), 0U);
    EXPECT_EQ(parse_whole("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
    for (const char* text : {"", "-1", "+1", "1.0", "1e3", "18446744073709551616", " 1", "1 "}) {
        EXPECT_EQ(parse_whole(text), std::nullopt) << text;
    }
}

// Writing is exact and short, and reading undoes it for every unit.
TEST(Decimal, writes_what_it_reads) {
    EXPECT_EQ(format_decimal(1'500, 3), "1.5");
    EXPECT_EQ(format_decimal(-1, 9), "-0.000000001");
    EXPECT_EQ(format_decimal(3'000'000, 6), "3");
    EXPECT_EQ(format_decimal(0, 9), "0");
    EXPECT_EQ(format_decimal(42, 0), "42");
    Random random(7);
    for (int i = 0; i < 2'000; ++i) {
        const auto value = static_cast<std::int64_t>(random.next() >> (1 + random.below(63)));
        for (const int exponent : {0, 3, 6, 9}) {
            EXPECT_EQ(parse_decimal(format_decimal(value, exponent), exponent), value) << exponent;
            EXPECT_EQ(parse_decimal(format_decimal(-value, exponent), exponent), -value) << exponent;
        }
    }
}

}  // namespace
}  // namespace replayd
