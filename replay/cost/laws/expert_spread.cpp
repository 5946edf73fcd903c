#include "replay/cost/laws/expert_spread.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "replay/base/random.hpp"

namespace replayd::cost {
namespace {

/// Numerical accuracy: shuffles to average over. The tail is that of aiconfigurator's collector.
constexpr int k_shuffles = 8;
constexpr double k_longest_tail = 0.8;  // of the tokens
constexpr std::uint64_t k_seed = 20'260'821;

void add_expert(ExpertSpread& spread, double rows, double experts) {
    if (rows <= 0) return;
    spread.rows += rows * experts;
    spread.active += experts;
    spread.largest = std::max(spread.largest, rows);
    for (std::size_t i = 0; i < k_expert_blocks.size(); ++i) {
        spread.padded[i] += experts * k_expert_blocks[i] * std::ceil(rows / k_expert_blocks[i]);
    }
}

ExpertSpread even_spread(double rows, double experts) {
    ExpertSpread spread;
    const double each = std::floor(rows / experts);
    const double more = rows - each * experts;  // so many experts have one row more
    add_expert(spread, each, experts - more);
    add_expert(spread, each + 1, more);
    return spread;
}

/// Whole rows per expert, in rising order.
std::vector<double> power_law_loads(double tokens, double top_k, double experts, double exponent) {
    const double highest = std::max(1.0, tokens * k_longest_tail);
    const double power = 1 - exponent;
    std::vector<double> loads(static_cast<std::size_t>(experts));
    double sum = 0;
    for (std::size_t i = 0; i < loads.size(); ++i) {
        const double u = (static_cast<double>(i) + 0.5) / experts;
        loads[i] = std::abs(power) < 1e-6 ? std::pow(highest, u)
                                          : std::pow(1 + u * (std::pow(highest, power) - 1), 1 / power);
        sum += loads[i];
    }
    // Rounded on the running sum, so that no rows are lost.
    double before = 0;
    double exact = 0;
    for (double& load : loads) {
        exact += load / sum * tokens * top_k;
        const double whole = std::min(tokens, std::round(exact - before));
        before += whole;
        load = whole;
    }
    return loads;
}

ExpertSpread busiest_rank(const std::vector<double>& loads, const std::vector<std::size_t>& order,
                          std::size_t per_rank) {
    std::size_t busiest = 0;
    double most = -1;
    for (std::size_t first = 0; first + per_rank <= order.size(); first += per_rank) {
        double rows = 0;
        for (std::size_t i = 0; i < per_rank; ++i) rows += loads[order[first + i]];
        if (rows > most) {
            most = rows;
            busiest = first;
        }
    }
    ExpertSpread spread;
    for (std::size_t i = 0; i < per_rank; ++i) add_expert(spread, loads[order[busiest + i]], 1);
    return spread;
}

void add_share(ExpertSpread& mean, const ExpertSpread& one, double share) {
    mean.rows += share * one.rows;
    mean.active += share * one.active;
    mean.largest += share * one.largest;
    for (std::size_t i = 0; i < mean.padded.size(); ++i) mean.padded[i] += share * one.padded[i];
}

}  // namespace

ExpertSpread expert_spread(double tokens, double top_k, double experts, double ranks, double exponent) {
    if (exponent <= 0) return even_spread(std::max(1.0, std::round(tokens * top_k / ranks)), experts / ranks);
    const std::vector<double> loads = power_law_loads(tokens, top_k, experts, exponent);
    std::vector<std::size_t> order(loads.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto per_rank = std::max<std::size_t>(1, static_cast<std::size_t>(experts / ranks));
    if (ranks <= 1) return busiest_rank(loads, order, loads.size());
    Random random(k_seed);
    ExpertSpread mean;
    for (int shuffle = 0; shuffle < k_shuffles; ++shuffle) {
        for (std::size_t i = order.size(); i > 1; --i) {
            std::swap(order[i - 1], order[static_cast<std::size_t>(random.below(i))]);
        }
        add_share(mean, busiest_rank(loads, order, per_rank), 1.0 / k_shuffles);
    }
    return mean;
}

}  // namespace replayd::cost
