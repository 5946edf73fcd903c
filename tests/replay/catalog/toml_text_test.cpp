// Trees written as TOML and read again.

#include <gtest/gtest.h>

#include "replay/catalog/scenario_override.hpp"
#include "replay/catalog/scenario_toml.hpp"
#include "replay/catalog/toml_text.hpp"

namespace replayd {
namespace {

bool same(const TomlNode& a, const TomlNode& b) {
    if (a.kind != b.kind || a.key != b.key || a.text != b.text || a.integer != b.integer || a.real != b.real ||
        a.boolean != b.boolean || a.children.size() != b.children.size()) {
        return false;
    }
    for (std::size_t i = 0; i < a.children.size(); ++i) {
        if (!same(a.children[i], b.children[i])) return false;
    }
    return true;
}

TEST(TomlText, reads_back_as_the_tree_of_every_built_in_scenario) {
    ASSERT_FALSE(built_in_scenarios().empty());
    for (const auto& [name, toml] : built_in_scenarios()) {
        const auto tree = parse_toml(toml, name);
        ASSERT_TRUE(tree) << name;
        const auto again = parse_toml(toml_text(*tree), name);
        ASSERT_TRUE(again) << again.error().message << '\n' << toml_text(*tree);
        EXPECT_TRUE(same(*tree, *again)) << toml_text(*tree);
    }
}

// What the scenarios have none of: odd keys, control characters, reals without a fraction, tables in arrays of arrays.
TEST(TomlText, reads_back_whatever_the_values_are) {
    const auto tree = parse_toml(R"("odd key" = "a\tb\"c\\d\u0001é"
real = 3.0
small = 1.5e-300
limit = inf
flag = false
mixed = [[1, 2], [{a = 1}], []]
empty = {}
[[list]]
x = 1
[list.below."k.2"]
y = -7
[[list]]
)",
                                 "text");
    ASSERT_TRUE(tree);
    const auto again = parse_toml(toml_text(*tree), "again");
    ASSERT_TRUE(again) << again.error().message << '\n' << toml_text(*tree);
    EXPECT_TRUE(same(*tree, *again)) << toml_text(*tree);
}

TEST(TomlText, says_values_before_tables) {
    auto tree = parse_toml("[pool]\nb = 2\n[pool.kv]\ndtype = \"fp8\"\n", "text");
    ASSERT_TRUE(tree);
    ASSERT_TRUE(apply_override(*tree, "name=small"));
    EXPECT_EQ(toml_text(*tree), "name = \"small\"\n\n[pool]\nb = 2\n\n[pool.kv]\ndtype = \"fp8\"\n");
}

}  // namespace
}  // namespace replayd
