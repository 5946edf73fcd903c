#include "replay/search/search_toml.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "replay/catalog/table_reader.hpp"

namespace replayd::search {
namespace {

constexpr std::array<Choice<MethodKind>, 5> k_methods = {{{"grid", MethodKind::grid},
                                                          {"bisection", MethodKind::bisection},
                                                          {"halving", MethodKind::halving},
                                                          {"cheapest", MethodKind::cheapest},
                                                          {"capacity", MethodKind::capacity}}};
constexpr IntegerRange k_points{2, k_candidates_max};
constexpr IntegerRange k_keep{2, 100};
/// Loads as multiples of the trace's own rate.
constexpr RealRange k_loads{0, 1'000'000};

/// A value as TOML spells it, in full, for "KEY=VALUE".
std::string setting(const std::string& key, const TomlNode& value) {
    if (value.kind != TomlNode::Kind::real) return key + "=" + value.shown();
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value.real).ptr;
    const std::string text(digits.data(), end);
    // 2 would be an integer to TOML, where a real number was meant.
    return key + "=" + text + (text.find_first_of(".en") == std::string::npos ? ".0" : "");
}

bool is_scalar(const TomlNode& node) {
    return node.kind != TomlNode::Kind::array && node.kind != TomlNode::Kind::table;
}

void read_values(TableReader& table, const std::string& key, const TomlNode& values, Axis& axis) {
    if (values.kind != TomlNode::Kind::array || values.children.empty()) {
        return table.refuse("values", values.shown(), "expected a list of 1 or more values");
    }
    for (const TomlNode& value : values.children) {
        if (!is_scalar(value))
            return table.refuse("values", value.shown(), "expected numbers, strings or true and false");
        axis.alternatives.push_back({setting(key, value)});
    }
}

void read_range(TableReader& table, const std::string& key, Axis& axis) {
    const std::int64_t from = table.integer("from", {});
    const std::int64_t to = table.integer("to", {from, from + k_candidates_max});
    const std::int64_t step = table.integer("step", {1}, 1);
    for (std::int64_t value = from; value <= to; value += step)
        axis.alternatives.push_back({key + "=" + std::to_string(value)});
}

/// `settings = [["KEY=VALUE", …], …]`: alternatives that change several keys at once.
void read_settings(TableReader& table, const TomlNode& lists, Axis& axis) {
    constexpr std::string_view expected = "expected a list of lists of \"KEY=VALUE\", one for each alternative";
    if (lists.kind != TomlNode::Kind::array || lists.children.empty())
        return table.refuse("settings", lists.shown(), expected);
    for (const TomlNode& list : lists.children) {
        Settings alternative;
        if (list.kind != TomlNode::Kind::array) return table.refuse("settings", list.shown(), expected);
        for (const TomlNode& text : list.children) {
            if (text.kind != TomlNode::Kind::string || text.text.find('=') == std::string::npos) {
                return table.refuse("settings", text.shown(), expected);
            }
            alternative.push_back(text.text);
        }
        axis.alternatives.push_back(std::move(alternative));
    }
}

Axis read_axis(TableReader& table) {
    Axis axis;
    axis.rising = table.flag("rising", false);
    if (const TomlNode* lists = table.any("settings")) {
        axis.name = table.text("name");
        read_settings(table, *lists, axis);
    } else {
        const std::string key = table.text("key");
        axis.name = table.text("name", key);
        const TomlNode* values = table.any("values");
        if (values != nullptr)
            read_values(table, key, *values, axis);
        else
            read_range(table, key, axis);
    }
    table.finish();
    return axis;
}

std::vector<Axis> read_axes(TableReader& root) {
    std::vector<Axis> axes;
    const TomlNode* node = root.any("axis");
    if (node == nullptr) {
        root.missing("axis", "one [[axis]] or more, each with the alternatives of one choice");
        return axes;
    }
    if (node->kind != TomlNode::Kind::array) {
        root.refuse("axis", node->shown(), "expected [[axis]] with double brackets");
        return axes;
    }
    double candidates = 1;
    for (const TomlNode& element : node->children) {
        TableReader table(element, "axis", root.errors());
        axes.push_back(read_axis(table));
        candidates *= static_cast<double>(axes.back().alternatives.size());
    }
    if (candidates > static_cast<double>(k_candidates_max)) {
        root.refuse("axis", std::to_string(static_cast<std::int64_t>(std::min(candidates, 9e18))) + " candidates",
                    "expected at most 1000000 over all axes together: fewer values, or a larger step");
    }
    return axes;
}

Objective read_objective(TableReader& root) {
    Objective out;
    const TomlNode* node = root.table("objective", true);
    if (node == nullptr) return out;
    TableReader table(*node, "objective", root.errors());
    out.ttft_p99 = table.duration("ttft_p99_ms", k_ns_per_ms, Duration(1), Duration(0));
    out.tpot_p99 = table.duration("tpot_p99_ms", k_ns_per_ms, Duration(1), Duration(0));
    out.e2e_p99 = table.duration("e2e_p99_ms", k_ns_per_ms, Duration(1), Duration(0));
    out.attainment = table.real("attainment", {.above = 0, .most = 1}, 0.0);
    const bool any = out.ttft_p99.value + out.tpot_p99.value + out.e2e_p99.value > 0 || out.attainment > 0;
    if (!any) table.missing("ttft_p99_ms", "at least one of ttft_p99_ms, tpot_p99_ms, e2e_p99_ms and attainment");
    table.finish();
    return out;
}

Prices read_prices(TableReader& root) {
    Prices out;
    const TomlNode* node = root.table("price", false);
    if (node == nullptr) return out;
    TableReader table(*node, "price", root.errors());
    for (const TomlNode& price : node->children) {
        out[price.key] = table.real(price.key, {.above = 0, .most = 1e6});
    }
    return out;
}

std::int64_t permille(TableReader& table, std::string_view key, double otherwise) {
    return std::llround(table.real(key, k_loads, otherwise) * 1000);
}

void read_capacity(TableReader& table, MethodSpec& out) {
    out.load_min_permille = permille(table, "load_min", 0.1);
    out.load_max_permille = permille(table, "load_max", 10);
    out.load_step_permille = permille(table, "load_step", 0.01);
    if (out.load_min_permille < 1) table.refuse("load_min", "0", "expected 0.001 or more");
    if (out.load_step_permille < 1) table.refuse("load_step", "0", "expected 0.001 or more");
    if (out.load_max_permille < out.load_min_permille) {
        table.refuse("load_max", "less than load_min", "expected a load above it");
    }
}

MethodSpec read_method(TableReader& root) {
    MethodSpec out;
    const TomlNode* node = root.table("method", false);
    if (node == nullptr) return out;
    TableReader table(*node, "method", root.errors());
    out.kind = table.choice<MethodKind>("kind", k_methods);
    if (out.kind == MethodKind::halving) {
        out.points = table.integer("points", k_points, out.points);
        out.keep_one_of = table.integer("keep_one_of", k_keep, out.keep_one_of);
        out.seed = static_cast<std::uint64_t>(table.integer("seed", {}, 0));
    } else {
        out.stop_early = table.flag("stop_early", out.kind != MethodKind::grid);
    }
    if (out.kind == MethodKind::capacity) read_capacity(table, out);
    table.finish();
    return out;
}

void check_rising(const SearchSpec& spec, TableReader& root) {
    if (spec.method.kind != MethodKind::bisection) return;
    std::int64_t rising = 0;
    for (const Axis& axis : spec.axes) rising += axis.rising ? 1 : 0;
    if (rising == 1) return;
    root.refuse(
        "axis", std::to_string(rising) + " rising axes",
        "expected rising = true on exactly one [[axis]], along which method.kind = \"bisection\" looks for the first "
        "alternative that holds");
}

}  // namespace

std::string_view method_name(MethodKind kind) {
    const auto found =
        std::find_if(k_methods.begin(), k_methods.end(), [&](const auto& each) { return each.value == kind; });
    return found->name;
}

Result<SearchSpec> parse_search(std::string_view toml, std::string_view origin) {
    auto document = parse_toml(toml, origin);
    if (!document) return tl::unexpected(document.error());
    TomlErrors errors(origin);
    TableReader root(*document, "", errors);
    SearchSpec out;
    out.base = root.text("base");
    out.gpus_max = root.integer("gpus_max", {1}, 0);
    out.load_permille = permille(root, "load", 1);
    if (out.load_permille < 1) root.refuse("load", "0", "expected 0.001 or more");
    out.axes = read_axes(root);
    out.objective = read_objective(root);
    out.prices = read_prices(root);
    out.method = read_method(root);
    check_rising(out, root);
    root.finish();
    if (errors.any()) return tl::unexpected(errors.first());
    return out;
}

}  // namespace replayd::search
