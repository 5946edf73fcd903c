#include "tuning_fit.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

namespace replayd::cost_fit {
namespace {

using namespace replayd::cost;

/// So many curves at least say what a data type does; no source but statistics.
constexpr int k_curves_min = 12;

struct Curves {
    int all = 0;
    int slow = 0;
};
/// The curves of every shape that shares a name.
using Sharers = std::map<std::uint32_t, Curves>;

struct Names {
    std::map<std::uint32_t, Sharers> by_name;
    std::map<std::uint32_t, double> type_of;  ///< of a name
    std::vector<double> factors;              ///< of the slow curves
};

Names names_of(const KernelLaw& law, const Samples& samples, const std::map<std::string, std::size_t>& kernels) {
    Names names;
    std::set<std::uint64_t> seen;
    for (const KernelRow& row : samples.rows) {
        const std::size_t kernel = kernels.at(row.kernel);
        const std::uint64_t curve = law.curve_of(row, kernel);
        if (!seen.insert(curve).second) continue;
        const std::uint32_t name = samples.table->tuning_name(row);
        Curves& curves = names.by_name[name][law.shape_of(row)];
        names.type_of[name] = row.number[samples.table->variant_number];
        ++curves.all;
        const auto slow = law.parts().slow_curves.find(curve);
        if (slow == law.parts().slow_curves.end()) continue;
        ++curves.slow;
        // slowness_of is ln(1 + moving · (factor − 1)), `moving` being the part of the time that is not fixed.
        const double moving = std::exp(law.slowness_of(row, kernel, 2)) - 1;
        names.factors.push_back(1 + (std::exp(slow->second) - 1) / moving);
    }
    return names;
}

/// Data types whose shapes mostly were slow where the other shape of their name was not.
std::set<double> types_that_fall_back(const Names& names) {
    std::map<double, Curves> by_type;
    for (const auto& [name, sharers] : names.by_name) {
        if (sharers.size() != 2) continue;
        for (const auto& [shape, curves] : sharers) {
            const Curves& other = sharers.begin()->first == shape ? sharers.rbegin()->second : sharers.begin()->second;
            if (other.slow > 0) continue;
            by_type[names.type_of.at(name)].all += curves.all;
            by_type[names.type_of.at(name)].slow += curves.slow;
        }
    }
    std::set<double> types;
    for (const auto& [type, curves] : by_type) {
        if (curves.all >= k_curves_min && 2 * curves.slow > curves.all) types.insert(type);
    }
    return types;
}

}  // namespace

SharedTuning fit_shared_tuning(const KernelLaw& law, const Samples& samples,
                               const std::map<std::string, std::size_t>& kernels) {
    SharedTuning tuning;
    if (samples.table->tuning_name == nullptr || law.parts().slow_curves.empty()) return tuning;
    Names names = names_of(law, samples, kernels);
    const std::set<double> types = types_that_fall_back(names);
    for (const auto& [name, sharers] : names.by_name) {
        const auto& [shape, curves] = *sharers.begin();
        if (sharers.size() != 1 || curves.slow > 0 || !types.contains(names.type_of.at(name))) continue;
        tuning.tuned_for[name] = shape;
    }
    if (tuning.tuned_for.empty()) return tuning;
    const auto middle = names.factors.begin() + static_cast<std::ptrdiff_t>(names.factors.size() / 2);
    std::nth_element(names.factors.begin(), middle, names.factors.end());
    tuning.slow_factor = std::max(1.0, *middle);
    return tuning;
}

}  // namespace replayd::cost_fit
