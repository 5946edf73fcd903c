// Quantiles of differences: the sorted values themselves are the reference.

#include "replay/stats/signed_histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "replay/base/random.hpp"

namespace replayd {
namespace {

TEST(SignedHistogram, quantiles_are_those_of_the_sorted_values) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed);
        SignedHistogram histogram;
        std::vector<std::int64_t> values;
        const std::uint64_t count = 1 + random.below(300);
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto value = static_cast<std::int64_t>(random.below(2'000'000)) -
                               1'000'000 / static_cast<std::int64_t>(1 + seed % 3);
            values.push_back(value);
            histogram.record(value);
        }
        std::sort(values.begin(), values.end());
        EXPECT_EQ(histogram.min(), values.front());
        EXPECT_EQ(histogram.max(), values.back());
        for (const double q : {0.0, 0.01, 0.1, 0.5, 0.9, 0.99, 1.0}) {
            const auto rank =
                std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size()))));
            const auto exact = static_cast<double>(values[rank - 1]);
            EXPECT_NEAR(static_cast<double>(histogram.quantile(q)), exact, std::abs(exact) / 128 + 1) << q;
        }
    }
}

TEST(SignedHistogram, of_nothing_and_of_one_sign) {
    SignedHistogram histogram;
    EXPECT_EQ(histogram.quantile(0.5), 0);
    histogram.record(-5);
    EXPECT_EQ(histogram.quantile(0.5), -5);
    EXPECT_EQ(histogram.max(), -5);
    EXPECT_EQ(histogram.sum(), -5);
}

}  // namespace
}  // namespace replayd
