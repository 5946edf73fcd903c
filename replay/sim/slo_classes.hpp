#pragma once
// Which SLO class a request belongs to, what it may take, and how early it is served.

#include <cstdint>
#include <string_view>
#include <vector>

#include "replay/catalog/scenario.hpp"

namespace replayd {

class SloClasses {
public:
    /// Of a validated scenario. Without declared classes all requests are of one, with its objectives.
    explicit SloClasses(const Scenario& scenario);

    /// Number of the class that a request names; that of `k_default_slo_class` if it names none, or one that is not
    /// declared. O(classes).
    [[nodiscard]] std::int32_t of(std::string_view name) const;

    [[nodiscard]] const SloClass& operator[](std::int32_t number) const {
        return classes_[static_cast<std::size_t>(number)];
    }
    /// How many the scenario counts apart: 0 if it declares none.
    [[nodiscard]] std::size_t declared() const { return declared_; }
    /// Whether the same names have the same numbers.
    [[nodiscard]] bool same_names(const SloClasses& other) const;

private:
    std::vector<SloClass> classes_;
    std::size_t declared_;
    std::int32_t default_ = 0;
};

}  // namespace replayd
