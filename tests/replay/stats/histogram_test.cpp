#include "replay/stats/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "replay/base/random.hpp"

namespace replayd {
namespace {

// Quantiles of random values against the exact order statistic: never below it, at most 1/128 above.
TEST(Histogram, quantiles_are_within_the_stated_error) {
    Random random(7);
    Histogram histogram;
    std::vector<std::int64_t> values;
    for (int i = 0; i < 5000; ++i) {
        const auto value = static_cast<std::int64_t>(random.below(std::uint64_t{1} << (1 + random.below(50))));
        values.push_back(value);
        histogram.record(value);
    }
    std::sort(values.begin(), values.end());
    for (const double q : {0.0, 0.01, 0.5, 0.9, 0.99, 1.0}) {
        const auto rank = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(q * 5000.0)));
        const std::int64_t exact = values[rank - 1];
        EXPECT_GE(histogram.quantile(q), exact) << q;
        EXPECT_LE(static_cast<double>(histogram.quantile(q)), static_cast<double>(exact) * (1.0 + 1.0 / 128.0) + 1.0)
            << q;
    }
}

// Merging parts equals recording everything in one, whatever the order; so do the bytes.
TEST(Histogram, merge_equals_recording_in_one) {
    Histogram whole, left, right;
    for (std::int64_t i = 0; i < 1000; ++i) {
        whole.record(i * i * 31);
        (i % 3 == 0 ? left : right).record(i * i * 31);
    }
    Histogram merged = right;
    merged.merge(left);
    EXPECT_EQ(merged, whole);
    EXPECT_EQ(merged.encode(), whole.encode());
}

// Many values at once equal the same values one by one, into an empty histogram and on top of another's buckets.
TEST(Histogram, record_all_equals_recording_each) {
    Histogram each, all;
    for (std::int64_t round = 1; round <= 3; ++round) {
        std::vector<std::int64_t> values;
        for (std::int64_t i = 0; i < 500; ++i) values.push_back((i * 7919 % 1000) * round * 1001);
        for (const std::int64_t value : values) each.record(value);
        all.record_all(values);
        ASSERT_EQ(all, each);
    }
    all.record_all({});
    EXPECT_EQ(all, each);
}

TEST(Histogram, encode_round_trips_and_damage_is_refused) {
    Histogram histogram;
    for (std::int64_t v : {0L, 1L, 127L, 128L, 1'000'000L, 9'223'372'036'854'775'807L / 4}) histogram.record(v, 3);
    const std::string bytes = histogram.encode();
    ASSERT_TRUE(Histogram::decode(bytes));
    EXPECT_EQ(*Histogram::decode(bytes), histogram);
    EXPECT_EQ(Histogram::decode("").error().message, "histogram blob is damaged: the header ends early");
    EXPECT_FALSE(Histogram::decode(bytes.substr(0, bytes.size() - 1)));
    EXPECT_FALSE(Histogram::decode(bytes + std::string("\x01\x01", 2)));
}

// Found by fuzzing: blobs that no histogram has were taken, and came out as others when written again.
TEST(Histogram, decode_refuses_what_encode_never_writes) {
    const auto refusal = [](std::string_view bytes) {
        const auto decoded = Histogram::decode(bytes);
        return decoded ? "taken" : decoded.error().message;
    };
    const std::string damaged = "histogram blob is damaged: ";
    EXPECT_EQ(refusal({"\x00\x80\x00\x00\x00", 5}), damaged + "the header ends early");  // 0 in two bytes
    EXPECT_EQ(refusal({"\x00\x05\x00\x00", 4}), damaged + "it is empty and has a sum or a maximum");
    EXPECT_EQ(refusal({"\x01\x05\x03\x05\x05\x01", 6}), damaged + "the minimum or the maximum is outside its bucket");
    EXPECT_EQ(refusal({"\x01\x05\x05\x05\x05\x01", 6}), "taken");
}

}  // namespace
}  // namespace replayd
