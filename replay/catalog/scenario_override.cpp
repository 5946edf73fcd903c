#include "replay/catalog/scenario_override.hpp"

#include <algorithm>
#include <vector>

namespace replayd {
namespace {

tl::unexpected<Error> refuse(std::string_view setting, const std::string& text) {
    return fail(Code::invalid_argument, "override \"" + std::string(setting) + "\": " + text);
}

TomlNode* child(TomlNode& table, std::string_view key) {
    const auto found = std::find_if(table.children.begin(), table.children.end(),
                                    [&](const TomlNode& node) { return node.key == key; });
    return found == table.children.end() ? nullptr : &*found;
}

TomlNode& make_child(TomlNode& table, std::string_view key) {
    TomlNode node;
    node.key = std::string(key);
    node.line = node.key_line = table.line;
    const auto at = std::find_if(table.children.begin(), table.children.end(),
                                 [&](const TomlNode& other) { return other.key > node.key; });
    return *table.children.insert(at, std::move(node));
}

/// The value of "VALUE" as TOML, or as a string where it is not.
TomlNode value_of(std::string_view text) {
    if (auto parsed = parse_toml("v = " + std::string(text), "override"); parsed && parsed->children.size() == 1) {
        return std::move(parsed->children.front());
    }
    TomlNode node;
    node.kind = TomlNode::Kind::string;
    node.text = std::string(text);
    return node;
}

/// Sets `path` (the rest of the key) under `table`.
Result<void> set(TomlNode& table, std::string_view path, const TomlNode& value, std::string_view setting) {
    if (table.kind != TomlNode::Kind::table) {
        return refuse(setting, "expected a key of a table before \"" + std::string(path) + "\"");
    }
    const std::size_t dot = path.find('.');
    const std::string_view key = path.substr(0, dot);
    if (key.empty()) return refuse(setting, "expected a key with a dot between its parts");
    TomlNode* found = child(table, key);
    TomlNode& node = found != nullptr ? *found : make_child(table, key);
    if (dot != std::string_view::npos) return set(node, path.substr(dot + 1), value, setting);
    TomlNode changed = value;
    changed.key = node.key;
    changed.line = node.line;
    changed.key_line = node.key_line;
    node = std::move(changed);
    return {};
}

std::string text_of(const TomlNode& pool, std::string_view key) {
    const TomlNode* node = pool.find(key);
    return node != nullptr && node->kind == TomlNode::Kind::string ? node->text : std::string();
}

/// Pools that "NAME.…" speaks of: all for "pool", else the one with that name, else those with that role.
std::vector<TomlNode*> pools_named(TomlNode& document, std::string_view name) {
    std::vector<TomlNode*> named;
    std::vector<TomlNode*> with_role;
    TomlNode* pools = child(document, "pool");
    if (pools == nullptr || pools->kind != TomlNode::Kind::array) return named;
    for (TomlNode& pool : pools->children) {
        if (name == "pool" || text_of(pool, "name") == name) named.push_back(&pool);
        if (text_of(pool, "role") == name) with_role.push_back(&pool);
    }
    return named.empty() ? with_role : named;
}

/// With `[split]` a phase is what `[split.prefill]` or `[split.decode]` lays over the template; made where absent.
TomlNode* phase_named(TomlNode& document, std::string_view name) {
    TomlNode* split = child(document, "split");
    if (split == nullptr || split->kind != TomlNode::Kind::table) return nullptr;
    for (const std::string_view role : {"prefill", "decode"}) {
        TomlNode* phase = child(*split, role);
        if (name == role) return phase != nullptr ? phase : &make_child(*split, role);
        if (phase != nullptr && text_of(*phase, "name") == name) return phase;
    }
    return nullptr;
}

}  // namespace

Result<void> apply_override(TomlNode& document, std::string_view setting) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == setting.size()) {
        return refuse(setting, "expected KEY=VALUE, such as decode.parallel.tensor=4");
    }
    const std::string_view path = setting.substr(0, equals);
    const TomlNode value = value_of(setting.substr(equals + 1));
    const std::size_t dot = path.find('.');
    if (dot != std::string_view::npos) {
        if (TomlNode* phase = phase_named(document, path.substr(0, dot))) {
            return set(*phase, path.substr(dot + 1), value, setting);
        }
        const std::vector<TomlNode*> pools = pools_named(document, path.substr(0, dot));
        for (TomlNode* pool : pools) {
            if (auto done = set(*pool, path.substr(dot + 1), value, setting); !done) return done;
        }
        if (!pools.empty()) return {};
    }
    return set(document, path, value, setting);
}

}  // namespace replayd
