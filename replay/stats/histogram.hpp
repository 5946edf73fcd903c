#pragma once
// A mergeable log-linear histogram of non-negative int64 values (here: nanoseconds). Values below 128 have
// a bucket each; above, every power of two is split into 128 equal buckets, so a quantile is off by at most
// 1/128 of its value (0.8 %). Counts, sum, minimum and maximum are exact.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "replay/base/error.hpp"

namespace replayd {

class Histogram {
public:
    static constexpr int k_sub_bucket_bits = 7;

    /// Counts `value` (>= 0) `times` times.
    void record(std::int64_t value, std::int64_t times = 1);
    /// Counts every value (>= 0) once: as `record` for each, at a fraction of the cost where there are many.
    void record_all(std::span<const std::int64_t> values);
    /// Adds the other's values; exact, commutative and associative.
    void merge(const Histogram& other);

    [[nodiscard]] std::int64_t count() const { return count_; }
    [[nodiscard]] std::int64_t sum() const { return sum_; }
    [[nodiscard]] std::int64_t min() const { return count_ == 0 ? 0 : min_; }
    [[nodiscard]] std::int64_t max() const { return count_ == 0 ? 0 : max_; }

    /// Value at quantile q in [0, 1]: the upper edge of the bucket that holds the ceil(q·count)-th smallest
    /// value, cut to [min, max]. 0 when empty.
    [[nodiscard]] std::int64_t quantile(double q) const;

    /// Compact bytes: varint count, sum, min, max, then (index delta, count) pairs. Same contents, same bytes.
    [[nodiscard]] std::string encode() const;
    /// Error `invalid_argument` on bytes that `encode` cannot have made.
    [[nodiscard]] static Result<Histogram> decode(std::string_view bytes);

    bool operator==(const Histogram&) const = default;

private:
    using Bucket = std::pair<std::int32_t, std::int64_t>;  // index, count

    /// Adds buckets that ascend by index.
    void add(std::span<const Bucket> ascending);

    std::vector<Bucket> buckets_;  ///< ascending by index, counts > 0
    std::int64_t count_ = 0;
    std::int64_t sum_ = 0;
    std::int64_t min_ = 0;
    std::int64_t max_ = 0;
};

}  // namespace replayd
