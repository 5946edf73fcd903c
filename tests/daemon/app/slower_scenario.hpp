#pragma once
// The scenario that tests fork a run to, or take for its wrong twin.

#include <string>

#include "harness.hpp"

namespace replayd::test {

/// As test-mixed, with steps that take longer.
[[nodiscard]] inline std::string slower_toml() {
    std::string toml = k_mixed_toml;
    const auto change = [&toml](const std::string& from, const std::string& to) {
        toml.replace(toml.find(from), from.size(), to);
    };
    change("test-mixed", "test-slower");
    change("step_us = 5000", "step_us = 9000");
    return toml;
}

}  // namespace replayd::test
