// Which keys of two scenarios differ.

#include <gtest/gtest.h>

#include "replay/catalog/scenario_difference.hpp"
#include "replay/catalog/scenario_toml.hpp"

namespace replayd::test {
namespace {

TEST(ScenarioDifference, names_keys_as_overrides_do) {
    const std::string a =
        "name = \"a\"\nwindow_s = 5\n[slo]\nttft_ms = 200\n[[pool]]\nname = \"decode\"\nreplicas = 2\n";
    const std::string b =
        "name = \"b\"\nwindow_s = 5\n[slo]\nttft_ms = 250\n[[pool]]\nname = \"decode\"\nreplicas = "
        "2\n[pool.parallel]\ntensor = 4\n";
    const std::vector<ScenarioDifference> expected = {{"decode.parallel.tensor", std::nullopt, "4"},
                                                      {"slo.ttft_ms", "200", "250"}};
    EXPECT_EQ(scenario_differences(a, b).value(), expected);
    EXPECT_TRUE(scenario_differences(a, a).value().empty());
}

// Every built-in scenario equals itself and differs from its neighbour in something but its name.
TEST(ScenarioDifference, tells_the_built_in_scenarios_apart) {
    const std::string* before = nullptr;
    for (const auto& [name, toml] : built_in_scenarios()) {
        EXPECT_TRUE(scenario_differences(toml, toml).value().empty()) << name;
        EXPECT_TRUE(before == nullptr || !scenario_differences(*before, toml).value().empty()) << name;
        before = &toml;
    }
}

TEST(ScenarioDifference, refuses_text_that_is_no_toml) {
    EXPECT_EQ(scenario_differences("a = ", "a = 1").error().code, Code::invalid_argument);
}

}  // namespace
}  // namespace replayd::test
