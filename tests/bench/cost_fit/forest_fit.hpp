#pragma once
// Fits a Forest: gradient boosting of complete regression trees on histograms, with a robust (Huber) loss, so
// that single outliers of a measured table do not bend the correction.

#include <cstdint>
#include <vector>

#include "replay/cost/laws/forest.hpp"

namespace replayd::cost_fit {

struct FitOptions {
    int trees = 300;
    int depth = 7;
    double rate = 0.1;             ///< part of each tree's answer that is kept
    double huber_first = 0.2;      ///< residuals count at most this much for the first tree,
    double huber_last = 0.2;       ///< and this much for the last; where it is less, a mean becomes a median
    double leaf_prior = 2;         ///< rows of answer 0 that every leaf is mixed with
    int leaf_rows_min = 4;
    double row_share = 0.7;        ///< drawn anew for every tree
    double feature_share = 0.7;
    std::uint64_t seed = 1;
};

/// `columns[f][row]`; `target` in natural logarithms.
cost::Forest fit_forest(const std::vector<std::vector<float>>& columns, const std::vector<double>& target,
                        const FitOptions& options);

}  // namespace replayd::cost_fit
