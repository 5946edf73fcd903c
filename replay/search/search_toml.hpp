#pragma once
// A search as TOML text: base scenario, axes, objectives, prices, method. replay/search/README.md explains every key.

#include <cstdint>
#include <string>
#include <string_view>

#include "replay/base/error.hpp"
#include "replay/search/methods.hpp"

namespace replayd::search {

/// Most candidates of a space: beyond, a grid would not end, and numbering them would serve nobody.
inline constexpr std::int64_t k_candidates_max = 1'000'000;

struct SearchSpec {
    std::string base;  ///< scenario by name, or the path of its file
    std::vector<Axis> axes;
    Objective objective;
    Prices prices;
    MethodSpec method;
    /// The trace comes so many thousandths times as fast; loads of the `capacity` method are multiples of it.
    std::int64_t load_permille = 1000;
    std::int64_t gpus_max = 0;  ///< candidates with more are left out with that reason; 0: any number
};

/// Errors as of parse_scenario: "ORIGIN:LINE: FIELD …: expected …".
[[nodiscard]] Result<SearchSpec> parse_search(std::string_view toml, std::string_view origin);

/// How method.kind names it.
[[nodiscard]] std::string_view method_name(MethodKind kind);

}  // namespace replayd::search
