#include "daemon/config/section.hpp"

#include <algorithm>

#include "replay/base/nearest_name.hpp"

namespace replayd::config {
namespace {

std::string list_of(std::span<const std::string> names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

std::string type_of(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::table:
            return "a table";
        case toml::node_type::array:
            return "an array";
        case toml::node_type::string:
            return "a string";
        case toml::node_type::integer:
            return "an integer";
        case toml::node_type::floating_point:
            return "a number";
        case toml::node_type::boolean:
            return "a boolean";
        default:
            return "a date or time";
    }
}

}  // namespace

std::string did_you_mean(std::string_view name, std::span<const std::string> known) {
    const std::string nearest = nearest_name(name, known);
    return nearest.empty() ? std::string() : "; did you mean \"" + nearest + "\"?";
}

Result<void> Section::only(std::span<const std::string> known) const {
    for (const auto& [key, node] : table_) {
        const std::string name(key.str());
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        return refuse(node, name + ": unknown key: expected one of " + list_of(known) + did_you_mean(name, known));
    }
    return {};
}

Result<void> Section::text(const std::string& key, std::string& into) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return {};
    if (!node->is_string()) return refuse(*node, key + " is " + type_of(*node) + ": expected a string");
    into = node->as_string()->get();
    return {};
}

Result<void> Section::texts(const std::string& key, std::vector<std::string>& into) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return {};
    const toml::array* array = node->as_array();
    if (array == nullptr) return refuse(*node, key + " is " + type_of(*node) + ": expected an array of strings");
    into.clear();
    for (const toml::node& item : *array) {
        if (!item.is_string()) return refuse(item, key + " holds " + type_of(item) + ": expected only strings");
        into.push_back(item.as_string()->get());
    }
    return {};
}

Result<void> Section::integer(const std::string& key, std::int64_t low, std::int64_t high,
                              std::int64_t& into) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return {};
    const std::string range = ": expected an integer from " + std::to_string(low) + " to " + std::to_string(high);
    if (!node->is_integer()) return refuse(*node, key + " is " + type_of(*node) + range);
    const std::int64_t value = node->as_integer()->get();
    if (value < low || value > high) return refuse(*node, key + " is " + std::to_string(value) + range);
    into = value;
    return {};
}

Result<void> Section::count(const std::string& key, std::int64_t low, std::int64_t high, std::size_t& into) const {
    auto value = static_cast<std::int64_t>(into);
    return integer(key, low, high, value).map([&] { into = static_cast<std::size_t>(value); });
}

Result<void> Section::number(const std::string& key, double& into) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return {};
    const auto value = node->value<double>();
    if (!node->is_number() || !value) return refuse(*node, key + " is " + type_of(*node) + ": expected a number");
    into = *value;
    return {};
}

tl::unexpected<Error> Section::refuse(const toml::node& at, const std::string& message) const {
    return fail(Code::invalid_argument, where(at) + prefix_ + message);
}

std::string Section::where(const toml::node& at) const {
    return std::string(origin_) + ":" + std::to_string(at.source().begin.line) + ": ";
}

}  // namespace replayd::config
