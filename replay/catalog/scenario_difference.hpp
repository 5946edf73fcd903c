#pragma once
// Which keys of two scenarios' texts differ, in the words of overrides ("decode.parallel.tensor").

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"

namespace replayd {

struct ScenarioDifference {
    std::string key;
    std::optional<std::string> a;  ///< as TOML; absent where the text leaves it out
    std::optional<std::string> b;

    bool operator==(const ScenarioDifference&) const = default;
};

/// By key; name and description left aside. A pool's keys begin with its name, or its role where it has none. Error
/// `invalid_argument` for text that is not TOML.
[[nodiscard]] Result<std::vector<ScenarioDifference>> scenario_differences(std::string_view toml_a,
                                                                           std::string_view toml_b);

}  // namespace replayd
