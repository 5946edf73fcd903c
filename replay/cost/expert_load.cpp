#include "replay/cost/expert_load.hpp"

#include <algorithm>
#include <cmath>

#include "replay/base/assert.hpp"

namespace replayd::cost {
namespace {

/// base^exponent by repeated squaring, for 0 ≤ base < 1. std::pow may differ between libraries.
double power(double base, std::int64_t exponent) {
    double result = 1;
    for (; exponent > 0; exponent >>= 1) {
        if ((exponent & 1) != 0) result *= base;
        base *= base;
    }
    return result;
}

}  // namespace

ExpertLoad::ExpertLoad(std::int64_t data, std::int64_t top_k, std::int64_t experts, std::int64_t ranks)
    : data_(data),
      top_k_(top_k),
      experts_(experts),
      ranks_(static_cast<double>(ranks)),
      log_ranks_(std::log(static_cast<double>(ranks))) {
    REPLAYD_ASSERT(data >= 1 && top_k >= 1 && top_k <= experts && ranks >= 1 && experts % ranks == 0);
}

double ExpertLoad::routed_rows(std::int64_t rows) const {
    const double tokens = static_cast<double>(rows * data_);
    const double mean = tokens * static_cast<double>(top_k_) / ranks_;
    const double capacity =
        tokens * std::min(static_cast<double>(top_k_), static_cast<double>(experts_) / ranks_);
    return std::min(mean + std::sqrt(2 * mean * log_ranks_), capacity);
}

double ExpertLoad::active_experts(std::int64_t rows) const {
    const double missed = 1 - static_cast<double>(top_k_) / static_cast<double>(experts_);
    const std::int64_t tokens = rows * data_;
    return static_cast<double>(experts_) / ranks_ * (1 - power(missed, tokens));
}

double ExpertLoad::distinct_groups(std::int64_t groups) const {
    const double others = static_cast<double>(experts_) - static_cast<double>(experts_) / static_cast<double>(groups);
    double missed = 1;  // probability that none of the k experts lies in a given group
    for (std::int64_t i = 0; i < top_k_; ++i) {
        const double drawn = static_cast<double>(i);
        missed *= std::max(0.0, others - drawn) / (static_cast<double>(experts_) - drawn);
    }
    return static_cast<double>(groups) * (1 - missed);
}

}  // namespace replayd::cost
