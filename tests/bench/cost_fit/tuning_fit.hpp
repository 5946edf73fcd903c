#pragma once
// Finds out of measured rows which configurations of kernels were tuned, and for which shape.

#include <map>
#include <string>

#include "law_fit.hpp"

namespace replayd::cost_fit {

/// `law`: with its slow curves, without a correction. `kernels`: indices of the law's kernels by name. Names nothing
/// for data types of which, where one of two shapes ran as usual, the other did so too on half of its curves or more.
cost::SharedTuning fit_shared_tuning(const cost::KernelLaw& law, const Samples& samples,
                                     const std::map<std::string, std::size_t>& kernels);

}  // namespace replayd::cost_fit
