#include "replay/catalog/split_toml.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace replayd {
namespace {

constexpr IntegerRange k_replicas{2, 10'000};
constexpr std::array<Choice<SplitRounding>, 2> k_roundings = {
    {{"half_up", SplitRounding::half_up}, {"truncate", SplitRounding::truncate}}};

/// Lays `value` over the key of the same name: tables key by key, everything else whole.
void overlay(TomlNode& table, const TomlNode& value) {
    const auto at = std::lower_bound(table.children.begin(), table.children.end(), value.key,
                                     [](const TomlNode& node, const std::string& key) { return node.key < key; });
    if (at == table.children.end() || at->key != value.key) {
        table.children.insert(at, value);
    } else if (at->kind == TomlNode::Kind::table && value.kind == TomlNode::Kind::table) {
        for (const TomlNode& child : value.children) overlay(*at, child);
    } else {
        *at = value;
    }
}

/// A key that `[split]` states, at the line of `[split]`.
TomlNode stated(const TomlNode& split, std::string key, TomlNode::Kind kind) {
    TomlNode node;
    node.kind = kind;
    node.key = std::move(key);
    node.line = node.key_line = split.line;
    return node;
}

TomlNode pool_of(const TomlNode& model_pool, const TomlNode& split, const std::string& role, std::int64_t replicas) {
    TomlNode pool = model_pool;
    if (const TomlNode* own = split.find(role)) {
        for (const TomlNode& child : own->children) overlay(pool, child);
    }
    TomlNode role_node = stated(split, "role", TomlNode::Kind::string);
    role_node.text = role;
    overlay(pool, role_node);
    TomlNode count = stated(split, "replicas", TomlNode::Kind::integer);
    count.integer = replicas;
    overlay(pool, count);
    return pool;
}

double read_ratio(TableReader& table) {
    const TomlNode& value = *table.any("prefill_ratio");
    double ratio = 0;
    if (value.kind == TomlNode::Kind::real) ratio = value.real;
    if (value.kind == TomlNode::Kind::integer) ratio = static_cast<double>(value.integer);
    if (ratio > 0 && ratio < 1) return ratio;
    table.refuse("prefill_ratio", value.shown(),
                 "expected a number above 0 and below 1; where every replica does both, leave [split] out and give the "
                 "[[pool]] role = \"mixed\"");
    return 0;
}

std::int64_t read_stated_replicas(TableReader& table, std::int64_t replicas) {
    for (const std::string_view other : {"prefill_ratio", "rounding"}) {
        if (const TomlNode* value = table.any(other)) {
            table.refuse(other, value->shown(),
                         "expected none beside prefill_replicas, which states the number itself");
        }
    }
    return table.integer("prefill_replicas", {1, replicas - 1});
}

/// The number of prefill replicas, stated or by ratio.
std::int64_t read_prefill_replicas(TableReader& table, std::int64_t replicas) {
    if (table.has("prefill_replicas")) return read_stated_replicas(table, replicas);
    if (!table.has("prefill_ratio")) {
        table.missing("prefill_ratio",
                      "the share of the replicas that prefills, above 0 and below 1, or prefill_replicas");
        return 1;
    }
    const double ratio = read_ratio(table);
    const auto rounding = table.choice<SplitRounding>("rounding", k_roundings, SplitRounding::half_up);
    if (table.errors().any()) return 1;
    const std::int64_t count = prefill_replicas(replicas, ratio, rounding);
    if (count == 0) {
        table.refuse("prefill_ratio", table.any("prefill_ratio")->shown(),
                     "of " + std::to_string(replicas) +
                         " replicas is less than one: expected a greater ratio, or rounding = \"half_up\"");
    }
    return count;
}

/// Keys that follow from `[split]` may be in no other place.
void refuse_keys(TableReader& table, std::initializer_list<std::string_view> keys, std::string_view text) {
    for (const std::string_view key : keys) {
        if (const TomlNode* value = table.any(key)) table.refuse(key, value->shown(), text);
    }
}

/// The one `[[pool]]` that both pools start from, or null.
const TomlNode* template_pool(const TomlNode& document, TomlErrors& errors) {
    TableReader root(document, "", errors);
    const TomlNode* pools = root.any("pool");
    if (pools == nullptr) {
        root.missing("pool", "one [[pool]] beside [split], what both pools have in common");
        return nullptr;
    }
    if (pools->kind != TomlNode::Kind::array || pools->children.size() != 1) {
        root.refuse(
            "pool",
            pools->kind == TomlNode::Kind::array ? std::to_string(pools->children.size()) + " tables" : pools->shown(),
            "expected one [[pool]] beside [split], what both pools have in common");
        return nullptr;
    }
    TableReader table(pools->children.front(), "pool", errors);
    refuse_keys(table, {"role", "replicas"}, "expected none beside [split], from which it follows");
    refuse_keys(table, {"name"}, "expected none beside [split]: name the pools in [split.prefill] and [split.decode]");
    return &pools->children.front();
}

}  // namespace

std::int64_t prefill_replicas(std::int64_t replicas, double ratio, SplitRounding rounding) {
    const double exact = static_cast<double>(replicas) * ratio;
    if (rounding == SplitRounding::truncate) return static_cast<std::int64_t>(exact);
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(exact + 0.5 + 1e-9)), 1, replicas - 1);
}

void expand_split(TomlNode& document, TomlErrors& errors) {
    const TomlNode* split = document.find("split");
    if (split == nullptr) return;
    TableReader table(*split, "split", errors);
    if (errors.any()) return;
    for (const std::string_view key : {"prefill_ratio", "prefill_replicas", "rounding"}) table.any(key);
    const std::int64_t replicas = table.integer("replicas", k_replicas);
    const std::int64_t prefill = errors.any() ? 1 : read_prefill_replicas(table, replicas);
    for (const char* role : {"prefill", "decode"}) {
        if (const TomlNode* own = table.table(role, false)) {
            TableReader overlaid(*own, table.path_of(role), errors);
            refuse_keys(overlaid, {"role", "replicas"}, "expected none here: it follows from [split]");
        }
    }
    table.finish();
    const TomlNode* common = template_pool(document, errors);
    if (errors.any()) return;
    TomlNode pools = *document.find("pool");
    pools.children = {pool_of(*common, *split, "prefill", prefill),
                      pool_of(*common, *split, "decode", replicas - prefill)};
    overlay(document, pools);
    std::erase_if(document.children, [](const TomlNode& node) { return node.key == "split"; });
}

}  // namespace replayd
