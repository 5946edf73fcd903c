#include "replay/catalog/toml_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "replay/base/assert.hpp"

namespace replayd {
namespace {

using Kind = TomlNode::Kind;

constexpr std::string_view k_bare = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

std::string quoted_text(std::string_view text) {
    constexpr std::string_view k_digits = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') out += '\\';
        if (byte < 0x20 || byte == 0x7f) {
            out.append("\\u00").append(1, k_digits[byte >> 4]).append(1, k_digits[byte & 15]);
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string key_text(const std::string& key) {
    const bool bare = !key.empty() && key.find_first_not_of(k_bare) == std::string::npos;
    return bare ? key : quoted_text(key);
}

/// The shortest digits that read back as the number, with the point that makes them a real.
std::string real_text(double value) {
    std::array<char, 32> digits{};
    const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    std::string out(static_cast<const char*>(digits.data()), end);
    return out.find_first_of(".einf") == std::string::npos ? out + ".0" : out;
}

bool is_table(const TomlNode& node) { return node.kind == Kind::table; }

/// An array that is written as [[headings]].
bool is_array_of_tables(const TomlNode& node) {
    return node.kind == Kind::array && !node.children.empty() &&
           std::all_of(node.children.begin(), node.children.end(), is_table);
}

std::string value_text(const TomlNode& node);

/// The children, as `one` writes each, between two brackets.
template <class One>
std::string listed(const TomlNode& node, char open, char close, const One& one) {
    std::string out(1, open);
    for (const TomlNode& child : node.children) out += (out.size() > 1 ? ", " : "") + one(child);
    return out + close;
}

std::string pair_text(const TomlNode& node) { return key_text(node.key) + " = " + value_text(node); }

std::string value_text(const TomlNode& node) {
    switch (node.kind) {
        case Kind::boolean: return node.boolean ? "true" : "false";
        case Kind::integer: return std::to_string(node.integer);
        case Kind::real: return real_text(node.real);
        case Kind::string: return quoted_text(node.text);
        case Kind::array: return listed(node, '[', ']', value_text);
        case Kind::table: return listed(node, '{', '}', pair_text);
        case Kind::date: break;
    }
    REPLAYD_ASSERT(node.kind != Kind::date);
    return {};
}

void append_table(std::string& out, const TomlNode& table, const std::string& path);

void append_headed(std::string& out, const TomlNode& table, const std::string& path, bool of_array) {
    if (!out.empty()) out += '\n';
    out += (of_array ? "[[" : "[") + path + (of_array ? "]]\n" : "]\n");
    append_table(out, table, path);
}

void append_table(std::string& out, const TomlNode& table, const std::string& path) {
    for (const TomlNode& child : table.children) {
        if (!is_table(child) && !is_array_of_tables(child)) out += pair_text(child) + '\n';
    }
    for (const TomlNode& child : table.children) {
        const std::string below = (path.empty() ? "" : path + '.') + key_text(child.key);
        if (is_table(child)) append_headed(out, child, below, false);
        if (!is_array_of_tables(child)) continue;
        for (const TomlNode& element : child.children) append_headed(out, element, below, true);
    }
}

}  // namespace

std::string toml_text(const TomlNode& document) {
    std::string out;
    append_table(out, document, "");
    return out;
}

}  // namespace replayd
