#include "replay/catalog/scenario_difference.hpp"

#include <map>

#include "replay/catalog/toml_tree.hpp"

namespace replayd {
namespace {

using Values = std::map<std::string, std::string>;

std::string text_or(const TomlNode& table, std::string_view key, std::string fallback) {
    const TomlNode* node = table.find(key);
    return node != nullptr && node->kind == TomlNode::Kind::string ? node->text : fallback;
}

/// What an element of an array is called: a table by its name or role, else by its place.
std::string element_name(const TomlNode& element, const std::string& array, std::size_t place) {
    const std::string numbered = array + "[" + std::to_string(place) + "]";
    if (element.kind != TomlNode::Kind::table) return numbered;
    const std::string name = text_or(element, "name", text_or(element, "role", ""));
    if (name.empty()) return numbered;
    return array == "pool" ? name : array + "." + name;
}

void flatten(const TomlNode& node, const std::string& path, Values& values) {
    if (node.kind == TomlNode::Kind::table) {
        for (const TomlNode& child : node.children) {
            flatten(child, path.empty() ? child.key : path + "." + child.key, values);
        }
    } else if (node.kind == TomlNode::Kind::array) {
        for (std::size_t i = 0; i < node.children.size(); ++i) {
            flatten(node.children[i], element_name(node.children[i], path, i), values);
        }
    } else {
        values[path] = node.shown();
    }
}

Result<Values> values_of(std::string_view toml) {
    const auto document = parse_toml(toml, "scenario");
    if (!document) return tl::unexpected(document.error());
    Values values;
    flatten(*document, "", values);
    values.erase("name");
    values.erase("description");
    return values;
}

}  // namespace

Result<std::vector<ScenarioDifference>> scenario_differences(std::string_view toml_a, std::string_view toml_b) {
    const auto a = values_of(toml_a);
    if (!a) return tl::unexpected(a.error());
    const auto b = values_of(toml_b);
    if (!b) return tl::unexpected(b.error());
    std::map<std::string, ScenarioDifference> all;
    for (const auto& [key, value] : *a) all[key] = {key, value, std::nullopt};
    for (const auto& [key, value] : *b) {
        all[key].key = key;
        all[key].b = value;
    }
    std::vector<ScenarioDifference> differences;
    for (auto& [key, difference] : all) {
        if (difference.a != difference.b) differences.push_back(std::move(difference));
    }
    return differences;
}

}  // namespace replayd
