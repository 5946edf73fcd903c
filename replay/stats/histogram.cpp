#include "replay/stats/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

#include "replay/base/assert.hpp"

namespace replayd {
namespace {

constexpr std::int64_t k_sub_buckets = std::int64_t{1} << Histogram::k_sub_bucket_bits;

std::int32_t bucket_of(std::int64_t value) {
    if (value < k_sub_buckets) return static_cast<std::int32_t>(value);
    const int width = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(value)));
    const int shift = width - 1 - Histogram::k_sub_bucket_bits;
    return static_cast<std::int32_t>((shift + 1) * k_sub_buckets + ((value >> shift) - k_sub_buckets));
}

/// Largest value that falls into the bucket.
std::int64_t upper_edge(std::int32_t bucket) {
    if (bucket < k_sub_buckets) return bucket;
    const std::int64_t shift = bucket / k_sub_buckets - 1;
    const std::int64_t mantissa = bucket % k_sub_buckets + k_sub_buckets;
    return static_cast<std::int64_t>((static_cast<std::uint64_t>(mantissa + 1) << shift) - 1);
}

void put_varint(std::string& out, std::uint64_t value) {
    while (value >= 0x80) {
        out.push_back(static_cast<char>(value | 0x80));
        value >>= 7;
    }
    out.push_back(static_cast<char>(value));
}

/// Takes a varint that fits into a non-negative int64 off the front of `bytes`; nothing when it is cut off, or longer
/// than `put_varint` makes it.
std::optional<std::int64_t> take_varint(std::string_view& bytes) {
    if (!bytes.empty() && static_cast<unsigned char>(bytes.front()) < 0x80) {  // most of them
        const std::int64_t value = bytes.front();
        bytes.remove_prefix(1);
        return value;
    }
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 63 && !bytes.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if ((byte & 0x80) != 0) continue;
        if (byte == 0 && shift > 0) return std::nullopt;
        return static_cast<std::int64_t>(value);
    }
    return std::nullopt;
}

constexpr std::int32_t k_bucket_max =
    static_cast<std::int32_t>((63 - Histogram::k_sub_bucket_bits) * k_sub_buckets) + 127;

}  // namespace

void Histogram::record(std::int64_t value, std::int64_t times) {
    REPLAYD_ASSERT(value >= 0 && times >= 0);
    if (times == 0) return;
    min_ = count_ == 0 ? value : std::min(min_, value);
    max_ = count_ == 0 ? value : std::max(max_, value);
    count_ += times;
    sum_ += value * times;
    const std::int32_t bucket = bucket_of(value);
    const auto at = std::lower_bound(buckets_.begin(), buckets_.end(), Bucket(bucket, 0));
    if (at != buckets_.end() && at->first == bucket) {
        at->second += times;
    } else {
        buckets_.insert(at, {bucket, times});
    }
}

void Histogram::record_all(std::span<const std::int64_t> values) {
    if (values.empty()) return;
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    REPLAYD_ASSERT(*least >= 0);
    min_ = count_ == 0 ? *least : std::min(min_, *least);
    max_ = count_ == 0 ? *most : std::max(max_, *most);
    count_ += static_cast<std::int64_t>(values.size());
    const std::int32_t first = bucket_of(*least);
    std::vector<std::int64_t> counts(static_cast<std::size_t>(bucket_of(*most) - first) + 1);
    for (const std::int64_t value : values) {
        sum_ += value;
        ++counts[static_cast<std::size_t>(bucket_of(value) - first)];
    }
    std::vector<Bucket> ascending;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        if (counts[i] > 0) ascending.emplace_back(first + static_cast<std::int32_t>(i), counts[i]);
    }
    add(ascending);
}

void Histogram::add(std::span<const Bucket> ascending) {
    // Most of what is added lies in buckets that are there: those count in place.
    std::size_t missing = 0;
    auto mine = buckets_.begin();
    for (const auto& [index, times] : ascending) {
        while (mine != buckets_.end() && mine->first < index) ++mine;
        if (mine != buckets_.end() && mine->first == index) {
            mine->second += times;
        } else {
            ++missing;
        }
    }
    if (missing == 0) return;
    // The others are put between them from the back, until what is left stands where it stood.
    std::size_t from = buckets_.size();
    std::size_t to = from + missing;
    buckets_.resize(to);
    for (std::size_t next = ascending.size(); to != from;) {
        const Bucket& added = ascending[next - 1];
        if (from == 0 || buckets_[from - 1].first < added.first) {
            buckets_[--to] = added;
            --next;
        } else if (buckets_[from - 1].first == added.first) {
            --next;  // counted above
        } else {
            buckets_[--to] = buckets_[--from];
        }
    }
}

void Histogram::merge(const Histogram& other) {
    if (other.count_ == 0) return;
    min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
    max_ = count_ == 0 ? other.max_ : std::max(max_, other.max_);
    count_ += other.count_;
    sum_ += other.sum_;
    add(other.buckets_);
}

std::int64_t Histogram::quantile(double q) const {
    if (count_ == 0) return 0;
    const auto rank = std::clamp(static_cast<std::int64_t>(std::ceil(q * static_cast<double>(count_))),
                                 std::int64_t{1}, count_);
    std::int64_t seen = 0;
    for (const auto& [bucket, times] : buckets_) {
        seen += times;
        if (seen >= rank) return std::clamp(upper_edge(bucket), min_, max_);
    }
    return max_;
}

std::string Histogram::encode() const {
    std::string out;
    for (const std::int64_t head : {count_, sum_, min_, max_}) put_varint(out, static_cast<std::uint64_t>(head));
    std::int32_t previous = -1;
    for (const auto& [bucket, times] : buckets_) {
        put_varint(out, static_cast<std::uint64_t>(bucket - previous - 1));
        put_varint(out, static_cast<std::uint64_t>(times));
        previous = bucket;
    }
    return out;
}

Result<Histogram> Histogram::decode(std::string_view bytes) {
    const auto corrupt = [](const char* what) {
        return fail(Code::invalid_argument, std::string("histogram blob is damaged: ") + what);
    };
    Histogram out;
    for (std::int64_t* head : {&out.count_, &out.sum_, &out.min_, &out.max_}) {
        const auto value = take_varint(bytes);
        if (!value) return corrupt("the header ends early");
        *head = *value;
    }
    std::int64_t previous = -1;
    std::int64_t counted = 0;
    out.buckets_.reserve(bytes.size() / 2);  // of a gap and a count, a byte each at least
    while (!bytes.empty()) {
        const auto gap = take_varint(bytes);
        const auto times = gap ? take_varint(bytes) : std::nullopt;
        if (!times) return corrupt("a bucket ends early");
        if (*gap > k_bucket_max || previous + 1 + *gap > k_bucket_max) return corrupt("a bucket is out of range");
        if (*times <= 0 || *times > out.count_ - counted) return corrupt("bucket counts do not sum to the count");
        previous += 1 + *gap;
        counted += *times;
        out.buckets_.emplace_back(static_cast<std::int32_t>(previous), *times);
    }
    if (counted != out.count_) return corrupt("bucket counts do not sum to the count");
    if (out.min_ > out.max_) return corrupt("the minimum is above the maximum");
    if (out.count_ == 0 && (out.sum_ != 0 || out.max_ != 0)) return corrupt("it is empty and has a sum or a maximum");
    if (out.count_ > 0 && (bucket_of(out.min_) != out.buckets_.front().first ||
                           bucket_of(out.max_) != out.buckets_.back().first)) {
        return corrupt("the minimum or the maximum is outside its bucket");
    }
    return out;
}

}  // namespace replayd
