#include "replay/cost/tables/attention_times.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <utility>

#include "replay/base/assert.hpp"
#include "replay/cost/plane_fit.hpp"
#include "replay/cost/tables/measured_line.hpp"

namespace replayd::cost {
namespace {

/// Chunks from which on the plane of A is fitted, and the span that its slope over computed tokens is taken from:
/// below, launches and half-filled GPUs hide what a pair costs.
constexpr double k_large_chunk = 256;
/// Crossings are read off calls in the range of serving: little computed context, decodes up to 4096 tokens.
constexpr double k_crossing_context_max = 4096;
/// Means of a step come in sixteenths.
constexpr std::int64_t k_sixteenths = 16;
/// What decodes add to a chunk may be nothing; the plane is fitted to relative errors, so such a call counts as this
/// long.
constexpr double k_fitted_us_min = 0.1;
/// Covers what two roundings to nanoseconds may take away.
constexpr double k_rounding_us = 0.01;

double pairs_of(double chunk, double past) { return chunk * past + chunk * (chunk + 1) / 2; }

/// fixed + per_a × a + per_b × b, in microseconds.
struct Plane {
    explicit Plane(const std::vector<PlaneSample>& samples) : coefficients(fit_plane(samples)) {}
    [[nodiscard]] double us(double a, double b) const {
        return coefficients[0] + coefficients[1] * a + coefficients[2] * b;
    }
    std::array<double, 3> coefficients;
};

/// The two measured keys around `x` and the share of the upper one; at the ends the same key twice.
template <class Value>
struct Around {
    const std::pair<const double, Value>* low;
    const std::pair<const double, Value>* high;
    double share = 0;
};

template <class Value>
Around<Value> around(const std::map<double, Value>& measured, double x) {
    auto above = measured.lower_bound(x);
    if (above == measured.begin()) return {&*above, &*above, 0};
    if (above == measured.end()) return {&*std::prev(above), &*std::prev(above), 0};
    const auto below = std::prev(above);
    return {&*below, &*above, (x - below->first) / (above->first - below->first)};
}

/// A(N, Q).
class Chunks {
public:
    explicit Chunks(const std::vector<AttentionPoint>& points) : plane_(samples(points)) {
        std::map<double, std::vector<TimePoint>> by_chunk;
        for (const AttentionPoint& point : points) {
            if (point.chunk > 0 && point.decodes == 0) by_chunk[point.chunk].push_back({point.past, point.us});
        }
        for (auto& [chunk, times] : by_chunk) {
            lines_.emplace(chunk, MeasuredLine(std::move(times), plane_.coefficients[1] * chunk));
        }
    }

    [[nodiscard]] double us(double tokens, double pairs) const {
        if (tokens <= 0) return 0;
        const double past = std::max(pairs, tokens) / tokens - (tokens + 1) / 2;
        const auto measured = around(lines_, tokens);
        const double deviation = (1 - measured.share) * deviation_at(*measured.low, past) +
                                 measured.share * deviation_at(*measured.high, past);
        // Short of the first chunk the kernel takes as long as for it.
        const double priced = std::max(tokens, lines_.begin()->first);
        const double us = plane_.us(pairs_of(priced, past), priced) + deviation;
        return std::max(us, 0.0);
    }

    [[nodiscard]] double first_chunk() const { return lines_.begin()->first; }
    /// The call of one chunk after `past` computed tokens.
    [[nodiscard]] double call_us(double chunk, double past) const { return us(chunk, pairs_of(chunk, past)); }

private:
    static std::vector<PlaneSample> samples(const std::vector<AttentionPoint>& points) {
        std::vector<PlaneSample> large;
        std::vector<PlaneSample> all;
        for (const AttentionPoint& point : points) {
            if (point.chunk <= 0 || point.decodes > 0) continue;
            const PlaneSample sample{pairs_of(point.chunk, point.past), point.chunk, point.us};
            all.push_back(sample);
            if (point.chunk >= k_large_chunk) large.push_back(sample);
        }
        return large.empty() ? all : large;
    }

    /// Of the measured time at that chunk. `past` is negative where several chunks share the tokens.
    [[nodiscard]] double deviation_at(const std::pair<const double, MeasuredLine>& line, double past) const {
        const auto& [chunk, times] = line;
        double us = times.us(past);
        if (past < 0) {
            const double span = std::max(chunk / 2, k_large_chunk);
            us += past * (times.us(span) - times.us(0)) / span;
        }
        return us - plane_.us(pairs_of(chunk, past), chunk);
    }

    Plane plane_;
    std::map<double, MeasuredLine> lines_;
};

/// D(n, K) or M(n, K): times over context for each measured number of sequences.
class Decodes {
public:
    explicit Decodes(const std::map<double, std::vector<TimePoint>>& by_sequences) : plane_(samples(by_sequences)) {
        for (const auto& [sequences, times] : by_sequences) {
            lines_.emplace(sequences, MeasuredLine(times, plane_.coefficients[1] * sequences));
        }
    }

    [[nodiscard]] double us(double sequences, double tokens) const {
        if (sequences <= 0) return 0;
        const double context = tokens / sequences;
        const auto measured = around(lines_, sequences);
        const double deviation = (1 - measured.share) * deviation_at(*measured.low, context) +
                                 measured.share * deviation_at(*measured.high, context);
        return std::max(0.0, plane_.us(tokens, sequences) + deviation);
    }

private:
    static std::vector<PlaneSample> samples(const std::map<double, std::vector<TimePoint>>& by_sequences) {
        std::vector<PlaneSample> all;
        for (const auto& [sequences, times] : by_sequences) {
            for (const TimePoint& time : times) {
                all.push_back({sequences * time.x, sequences, std::max(time.us, k_fitted_us_min)});
            }
        }
        return all;
    }

    [[nodiscard]] double deviation_at(const std::pair<const double, MeasuredLine>& line, double context) const {
        return line.second.us(context) - plane_.us(line.first * context, line.first);
    }

    Plane plane_;
    std::map<double, MeasuredLine> lines_;
};

using BySequences = std::map<double, std::vector<TimePoint>>;

BySequences decodes_alone(const std::vector<AttentionPoint>& points) {
    BySequences times;
    for (const AttentionPoint& point : points) {
        if (point.chunk == 0 && point.decodes > 0) times[point.decodes].push_back({point.context, point.us});
    }
    return times;
}

/// What decodes add to the smallest chunk without computed context; empty where no call holds both.
BySequences decodes_beside(const std::vector<AttentionPoint>& points, const Chunks& chunks) {
    BySequences times;
    const double alone = chunks.call_us(chunks.first_chunk(), 0);
    for (const AttentionPoint& point : points) {
        if (point.chunk != chunks.first_chunk() || point.past > 0 || point.decodes == 0) continue;
        times[point.decodes].push_back({point.context, std::max(0.0, point.us - alone)});
    }
    return times;
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// X(c, n).
class Crossing {
public:
    Crossing(const std::vector<AttentionPoint>& points, const Chunks& chunks, const Decodes& beside) {
        std::map<double, std::map<double, std::vector<double>>> beyond;
        for (const AttentionPoint& point : points) {
            if (point.chunk == 0 || point.decodes == 0) continue;
            if (point.past > 2 * point.chunk || point.context > k_crossing_context_max) continue;
            const double parts =
                chunks.call_us(point.chunk, point.past) + beside.us(point.decodes, point.decodes * point.context);
            beyond[point.chunk][point.decodes].push_back(point.us - parts);
        }
        for (auto& [chunk, by_sequences] : beyond) {
            for (auto& [sequences, times] : by_sequences) {
                us_[chunk][sequences] = std::max(0.0, median(std::move(times)));
            }
        }
    }

    [[nodiscard]] double us(double chunk, double sequences) const {
        if (us_.empty() || chunk < us_.begin()->first) return 0;
        const auto measured = around(us_, chunk);
        return (1 - measured.share) * at(measured.low->second, sequences) +
               measured.share * at(measured.high->second, sequences);
    }

private:
    static double at(const std::map<double, double>& by_sequences, double sequences) {
        const auto measured = around(by_sequences, sequences);
        const double us = (1 - measured.share) * measured.low->second + measured.share * measured.high->second;
        // The grid grows with the sequences, so beyond the measured ones the time does.
        return us * std::max(1.0, sequences / by_sequences.rbegin()->first);
    }

    std::map<double, std::map<double, double>> us_;
};

AttentionRange range_of(const std::vector<AttentionPoint>& points) {
    AttentionRange range;
    for (const AttentionPoint& point : points) {
        range.chunk = std::max(range.chunk, point.chunk);
        range.past = std::max(range.past, point.past);
        range.decodes = std::max(range.decodes, point.decodes);
        range.context = std::max(range.context, point.context);
    }
    return range;
}

}  // namespace

AttentionTimes::AttentionTimes(const std::vector<AttentionPoint>& points, const AttentionLimits& limits)
    : range_(range_of(points)) {
    REPLAYD_ASSERT(range_.chunk > 0 && range_.decodes > 0);
    const Chunks chunks(points);
    const Decodes alone(decodes_alone(points));
    const BySequences beside_times = decodes_beside(points, chunks);
    const Decodes beside(beside_times.empty() ? decodes_alone(points) : beside_times);
    const Crossing crossing(points, chunks, beside);
    const std::int64_t seen_max = k_sixteenths * limits.context;
    const double least_chunk = chunks.call_us(chunks.first_chunk(), 0);
    chunks_ = Surface(limits.tokens, seen_max, [&](double n, double p) {
        return n == 0 ? 0 : std::max(least_chunk, chunks.us(n, n * p / k_sixteenths));
    });
    const auto alone_us = [&](double n, double c) { return alone.us(n, n * c / k_sixteenths); };
    decodes_ = Surface(limits.sequences, seen_max, alone_us);
    // A step that also holds chunks never costs less than its decodes alone.
    beside_ = Surface(limits.sequences, seen_max, [&](double n, double c) {
        return std::max(beside.us(n, n * c / k_sixteenths), alone_us(n, c) - least_chunk + k_rounding_us);
    });
    crossing_ = Surface(limits.tokens * limits.tokens, limits.sequences,
                        [&](double squares, double n) { return crossing.us(std::sqrt(squares), n); });
    add_bounds(limits);
}

void AttentionTimes::add_bounds(const AttentionLimits& limits) {
    constexpr std::size_t k_bits = 48;
    for (std::size_t bit = 0; bit < k_bits; ++bit) {
        const std::int64_t context = std::int64_t{1} << bit;
        std::int64_t least = decodes_.ns(1, scaled(context, 1));
        for (std::int64_t n = 2; n <= limits.sequences; ++n) {
            least = std::min(least, decodes_.ns(n, scaled(context, n)));
        }
        least_decodes_.push_back(least);
    }
    const auto token_bits = static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(limits.tokens)));
    least_chunks_.assign(token_bits, std::vector<std::int64_t>(k_bits));
    for (std::size_t bit = 0; bit < k_bits; ++bit) {
        const std::int64_t pairs = std::int64_t{1} << bit;
        std::int64_t least = chunks_.ns(limits.tokens, scaled(pairs, limits.tokens));
        for (std::int64_t n = limits.tokens; n >= 1; --n) {
            least = std::min(least, chunks_.ns(n, scaled(pairs, n)));
            if (std::has_single_bit(static_cast<std::uint64_t>(n))) {
                least_chunks_[static_cast<std::size_t>(std::countr_zero(static_cast<std::uint64_t>(n)))][bit] = least;
            }
        }
    }
}

std::int64_t AttentionTimes::alone_ns(const StepShape& shape) const {
    const auto floor_bit = [](std::int64_t value, std::size_t size) {
        const auto bits = static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(value)));
        return std::min(bits - 1, size - 1);
    };
    std::int64_t least = 0;
    if (shape.decode_context > 0) least = least_decodes_[floor_bit(shape.decode_context, least_decodes_.size())];
    if (shape.prefill_tokens > 0) {
        const auto& by_pairs = least_chunks_[floor_bit(shape.prefill_tokens, least_chunks_.size())];
        least = std::max(least, by_pairs[floor_bit(shape.prefill_pairs, by_pairs.size())]);
    }
    return least;
}

bool AttentionTimes::covers(const StepShape& shape) const {
    const auto within = [](std::int64_t value, double most) { return static_cast<double>(value) <= most; };
    if (!within(shape.prefill_tokens, range_.chunk) || !within(shape.decode_sequences, range_.decodes)) return false;
    if (shape.prefill_sequences > 0 &&
        !within(shape.prefill_context / shape.prefill_sequences, range_.past + range_.chunk)) {
        return false;
    }
    return shape.decode_sequences == 0 || within(shape.decode_context / shape.decode_sequences, range_.context);
}

}  // namespace replayd::cost
