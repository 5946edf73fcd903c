#pragma once
// Scenarios in one line and the reference files of the memory tests.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "replay/catalog/json_tree.hpp"
#include "replay/catalog/scenario_toml.hpp"
#include "replay/memory/memory_plan.hpp"
#include "tests/source_paths.hpp"

namespace replayd {

inline Scenario scenario_of(const std::string& model, const std::string& gpu, const std::string& pool) {
    const auto parsed = parse_scenario(
        "name = 's'\nmodel = '" + model + "'\ngpu = '" + gpu + "'\n[[pool]]\nrole = 'mixed'\n" + pool, "test.toml");
    EXPECT_TRUE(parsed) << parsed.error().message << '\n' << pool;
    return parsed.value();
}

inline ModelSpec model_of(const char* name) { return Catalog::built_in().model(name).value(); }

inline Bytes item_bytes(const std::vector<MemoryItem>& items, std::string_view name) {
    for (const MemoryItem& item : items) {
        if (item.name == name) return item.bytes;
    }
    return Bytes(0);
}

inline std::string shared_path(const std::string& path) { return REPLAYD_SOURCE_DIR "/../shared/data/" + path; }

inline std::optional<std::string> shared_text(const std::string& path) {
    std::ifstream file(shared_path(path));
    if (!file) return std::nullopt;
    return std::string{std::istreambuf_iterator<char>(file), {}};
}

/// The rows of a JSON file that is an array.
inline std::optional<TomlNode> shared_rows(const std::string& path) {
    const auto text = shared_text(path);
    if (!text) return std::nullopt;
    auto parsed = parse_json_object("{\"rows\":" + *text + "}", path);
    EXPECT_TRUE(parsed) << parsed.error().message;
    return *parsed->find("rows");
}

inline const TomlNode& at(const TomlNode& node, std::string_view key) {
    const TomlNode* found = node.find(key);
    EXPECT_NE(found, nullptr) << key;
    static const TomlNode k_nothing;
    return found != nullptr ? *found : k_nothing;
}

inline double number_at(const TomlNode& node, std::string_view key) {
    const TomlNode& value = at(node, key);
    return value.kind == TomlNode::Kind::real ? value.real : static_cast<double>(value.integer);
}

inline std::int64_t integer_at(const TomlNode& node, std::string_view key) {
    return static_cast<std::int64_t>(number_at(node, key));
}

}  // namespace replayd
