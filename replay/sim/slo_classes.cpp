#include "replay/sim/slo_classes.hpp"

#include <algorithm>
#include <string>

#include "replay/base/assert.hpp"

namespace replayd {
namespace {

std::int32_t number_of(const std::vector<SloClass>& classes, std::string_view name, std::int32_t otherwise) {
    const auto found =
        std::find_if(classes.begin(), classes.end(), [&](const SloClass& known) { return known.name == name; });
    return found == classes.end() ? otherwise : static_cast<std::int32_t>(found - classes.begin());
}

}  // namespace

SloClasses::SloClasses(const Scenario& scenario)
    : classes_(scenario.slo_classes), declared_(scenario.slo_classes.size()) {
    if (classes_.empty()) classes_.push_back({std::string(k_default_slo_class), 0, scenario.slo});
    default_ = number_of(classes_, k_default_slo_class, -1);
    REPLAYD_ASSERT(default_ >= 0);
}

std::int32_t SloClasses::of(std::string_view name) const {
    return name.empty() ? default_ : number_of(classes_, name, default_);
}

bool SloClasses::same_names(const SloClasses& other) const {
    return std::equal(classes_.begin(), classes_.end(), other.classes_.begin(), other.classes_.end(),
                      [](const SloClass& a, const SloClass& b) { return a.name == b.name; });
}

}  // namespace replayd
