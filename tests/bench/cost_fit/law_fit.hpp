#pragma once
// Fits one KernelLaw on measured rows: first the shares of the physical form, kernel by kernel, then the
// correction of what is left.

#include <string>
#include <vector>

#include "forest_fit.hpp"
#include "replay/cost/laws/kernel_law.hpp"

namespace replayd::cost_fit {

/// Rows of one table with their measured times.
struct Samples {
    const cost::KernelTable* table = nullptr;
    std::string gpu;
    std::string backend;
    std::vector<cost::KernelRow> rows;
    std::vector<double> us;
};

/// How hard to fit an operator.
FitOptions options_for(const Samples& samples);

cost::KernelLaw fit_law(const Samples& samples, const FitOptions& options);

}  // namespace replayd::cost_fit
