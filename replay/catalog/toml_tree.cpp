#include "replay/catalog/toml_tree.hpp"

#include <sstream>

#include <toml++/toml.h>

namespace replayd {
namespace {

TomlNode convert(const toml::node& node);

std::int64_t line_of(const toml::source_region& source) {
    return source.begin.line > 0 ? static_cast<std::int64_t>(source.begin.line) : 1;
}

void convert_children(const toml::table& table, TomlNode& out) {
    for (const auto& [key, value] : table) {
        TomlNode child = convert(value);
        child.key = std::string(key.str());
        child.key_line = line_of(key.source());
        out.children.push_back(std::move(child));
    }
}

TomlNode convert(const toml::node& node) {
    TomlNode out;
    out.line = line_of(node.source());
    if (const auto* table = node.as_table()) {
        out.kind = TomlNode::Kind::table;
        convert_children(*table, out);
    } else if (const auto* array = node.as_array()) {
        out.kind = TomlNode::Kind::array;
        for (const toml::node& element : *array) out.children.push_back(convert(element));
    } else if (const auto* text = node.as_string()) {
        out.kind = TomlNode::Kind::string;
        out.text = text->get();
    } else if (const auto* integer = node.as_integer()) {
        out.kind = TomlNode::Kind::integer;
        out.integer = integer->get();
    } else if (const auto* real = node.as_floating_point()) {
        out.kind = TomlNode::Kind::real;
        out.real = real->get();
    } else if (const auto* boolean = node.as_boolean()) {
        out.kind = TomlNode::Kind::boolean;
        out.boolean = boolean->get();
    } else {
        out.kind = TomlNode::Kind::date;
    }
    return out;
}

}  // namespace

const TomlNode* TomlNode::find(std::string_view name) const {
    if (kind != Kind::table) return nullptr;
    for (const TomlNode& child : children) {
        if (child.key == name) return &child;
    }
    return nullptr;
}

std::string TomlNode::shown() const {
    switch (kind) {
        case Kind::boolean: return boolean ? "true" : "false";
        case Kind::integer: return std::to_string(integer);
        case Kind::real: {
            std::ostringstream out;
            out << real;
            return out.str();
        }
        case Kind::string: return '"' + text + '"';
        case Kind::date: return "a date";
        case Kind::array: return "an array";
        case Kind::table: return "a table";
    }
    return {};
}

Result<TomlNode> parse_toml(std::string_view text, std::string_view origin) {
    try {
        return convert(toml::parse(text, std::string_view{}));
    } catch (const toml::parse_error& error) {
        return fail(Code::invalid_argument, std::string(origin) + ':' + std::to_string(line_of(error.source())) +
                                                ": not valid TOML: " + std::string(error.description()));
    }
}

}  // namespace replayd
