#pragma once
// How well laws predict rows that were kept aside, and what the project's targets say of it.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "law_fit.hpp"

namespace replayd::cost_fit {

/// |predicted / measured - 1| of rows, all together under "" and by kernel.
using ErrorsByKernel = std::map<std::string, std::vector<double>>;

/// Errors of `law` on `target` over the rows of `samples` that `held` names.
void add_errors(const cost::KernelLaw& law, const cost::Hardware& target, const Samples& samples,
                const std::vector<bool>& held, ErrorsByKernel& errors);

/// Errors of the ratio of a call's times on the GPU of `samples` and on that of `own`, by `law`, over the calls that
/// both hold: what remains of the errors where the own GPU's law is right.
[[nodiscard]] ErrorsByKernel ratio_errors(const cost::KernelLaw& law, const Samples& own, const Samples& samples);

/// One line for all rows, and with `by_kernel` one for every kernel. Each element of `draws` holds the errors of one
/// draw of rows: median and 90th percentile are those of the middle draw, and the limits of `split` stand beside where
/// there are some. `split`: "points", "shapes", "carried" or "ratio".
void print(const Samples& samples, const std::string& split, const std::vector<ErrorsByKernel>& draws, bool by_kernel);

/// The heading of those lines.
void print_heading();

/// Fits without a tenth of the rows, then without a tenth of the whole shapes, and prints the errors on those, over
/// `draws` draws from the seed `first` on. Where a table has few shapes, one draw goes through all of them.
void hold_out(const Samples& samples, std::uint64_t first, std::uint64_t draws, bool by_kernel);

}  // namespace replayd::cost_fit
