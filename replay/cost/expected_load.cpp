#include "replay/cost/expected_load.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace replayd::cost {
namespace {

// Numerical accuracy, far below that of any kernel time: which ranks count as alike, what is left of a sum, steps of an
// integral.
constexpr double k_same_class = 0.97;
constexpr std::size_t k_classes_max = 12;
/// Rows of the busiest rank up to which binomials are summed.
constexpr double k_exact_rows = 48;
constexpr double k_tail = 1e-9;
constexpr int k_intervals = 48;
/// Blocks per expert beyond which the last one is half full on average.
constexpr double k_many_blocks = 16;

/// Normal distribution function.
double normal(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

/// Distribution function of Binomial(trials, chance), asked at 0, 1, 2, …
class Binomial {
public:
    Binomial(double trials, double chance)
        : trials_(trials), odds_(chance / (1 - chance)), mass_(std::exp(trials * std::log1p(-chance))), sum_(mass_) {}

    /// P(X ≤ x), then moves on to x + 1.
    double next() {
        const double result = std::min(1.0, sum_);
        mass_ *= std::max(0.0, trials_ - x_) / (x_ + 1) * odds_;
        ++x_;
        sum_ += mass_;
        return result;
    }

private:
    double trials_, odds_, mass_, sum_;
    double x_ = 0;
};

double largest_of_binomials(const std::vector<RankClass>& classes, double tokens, double rows_max) {
    std::vector<Binomial> laws;
    for (const RankClass& each : classes) {
        if (each.mean >= rows_max) return tokens * rows_max;  // certain
        laws.emplace_back(tokens * rows_max, each.mean / rows_max);
    }
    double expected = 0;
    for (double above = 1; above > k_tail && expected < tokens * rows_max;) {
        double all_below = 1;
        for (std::size_t i = 0; i < laws.size(); ++i) all_below *= std::pow(laws[i].next(), classes[i].ranks);
        above = 1 - all_below;
        expected += above;
    }
    return expected;
}

double largest_of_normals(const std::vector<RankClass>& classes, double tokens) {
    const auto deviation = [&](const RankClass& each) { return std::sqrt(std::max(1e-12, tokens * each.variance)); };
    const double low = tokens * classes.front().mean - 6 * deviation(classes.front());
    double high = low;
    for (const RankClass& each : classes) high = std::max(high, tokens * each.mean + 7 * deviation(each));
    const double width = (high - low) / k_intervals;
    double expected = low;
    for (int i = 0; i < k_intervals; ++i) {
        const double x = low + (i + 0.5) * width;
        double all_below = 1;
        for (const RankClass& each : classes) {
            all_below *= std::pow(normal((x - tokens * each.mean) / deviation(each)), each.ranks);
        }
        expected += (1 - all_below) * width;
    }
    return expected;
}

}  // namespace

std::vector<RankClass> rank_classes(std::vector<RankClass> ranks) {
    std::stable_sort(ranks.begin(), ranks.end(),
                     [](const RankClass& a, const RankClass& b) { return a.mean > b.mean; });
    std::vector<RankClass> classes;
    double first = 0;  // mean of the busiest rank of the class
    for (const RankClass& rank : ranks) {
        const bool opens = classes.empty() || (rank.mean < k_same_class * first && classes.size() < k_classes_max);
        if (opens) {
            classes.push_back(rank);
            first = rank.mean;
            continue;
        }
        RankClass& last = classes.back();
        const double all = last.ranks + rank.ranks;
        last.mean = (last.mean * last.ranks + rank.mean * rank.ranks) / all;
        last.variance = (last.variance * last.ranks + rank.variance * rank.ranks) / all;
        last.ranks = all;
    }
    return classes;
}

double expected_largest(const std::vector<RankClass>& classes, double tokens, double rows_max) {
    if (tokens <= 0) return 0;
    const bool few = tokens * classes.front().mean <= k_exact_rows;
    const double largest = few ? largest_of_binomials(classes, tokens, rows_max) : largest_of_normals(classes, tokens);
    return std::clamp(largest, tokens * classes.front().mean, tokens * rows_max);
}

double expected_padded(double tokens, double share, double block) {
    if (share <= 0 || tokens <= 0) return 0;
    const double mean = tokens * share;
    if (mean > k_many_blocks * block) return mean + block / 2;
    const double any = share < 1 ? -std::expm1(tokens * std::log1p(-share)) : 1;
    const double deviation = std::sqrt(std::max(1e-12, mean * (1 - share)));
    double blocks = any;
    for (double full = block;; full += block) {
        // More than `full` rows, with the correction for continuity.
        const double more = normal((mean - full - 0.5) / deviation);
        if (full > mean && more < k_tail) break;
        blocks += std::min(any, more);
    }
    return blocks * block;
}

}  // namespace replayd::cost
