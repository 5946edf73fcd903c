#include "replay/catalog/table_reader.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "replay/base/assert.hpp"
#include "replay/base/nearest_name.hpp"

namespace replayd {
namespace {

/// Longest duration a file may state: far beyond any run, far below the range of a Duration.
constexpr std::int64_t k_duration_max_ns = k_ns_per_s * 3'600 * 1'000'000;

/// Shortest text that counts as the beginning of a longer name ("ttft" of "ttft_ms").
constexpr std::size_t k_prefix_least = 3;

std::string shown(double value) {
    std::ostringstream out;
    out << value;
    return out.str();
}

std::string describe(IntegerRange range) {
    if (range.most == std::numeric_limits<std::int64_t>::max()) {
        return "an integer of at least " + std::to_string(range.least);
    }
    return "an integer from " + std::to_string(range.least) + " to " + std::to_string(range.most);
}

std::string describe(RealRange range) {
    std::string text = (range.least_included ? "a number of at least " : "a number above ") + shown(range.above);
    if (range.most < std::numeric_limits<double>::max()) text += " and at most " + shown(range.most);
    return text;
}

bool inside(double value, RealRange range) {
    return std::isfinite(value) && value <= range.most &&
           (value > range.above || (range.least_included && value == range.above));
}

}  // namespace

Error TomlErrors::first() const {
    REPLAYD_ASSERT(any());
    return Error{Code::invalid_argument, unknown_ ? *unknown_ : wrong_ ? *wrong_ : *missing_};
}

void TomlErrors::keep(std::optional<std::string>& slot, std::int64_t line, std::string text) {
    if (!slot) slot = origin_ + ':' + std::to_string(line) + ": " + text;
}

TableReader::TableReader(const TomlNode& node, std::string path, TomlErrors& errors)
    : node_(node), path_(std::move(path)), errors_(errors) {
    if (node.kind != TomlNode::Kind::table) {
        errors_.wrong_value(node.line, path_ + " = " + node.shown() + ": expected a table");
    }
}

std::string TableReader::path_of(std::string_view key) const {
    return path_.empty() ? std::string(key) : path_ + '.' + std::string(key);
}

const TomlNode* TableReader::any(std::string_view key) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
    return node_.find(key);
}

const TomlNode* TableReader::want(std::string_view key, bool required, std::string_view expected) {
    const TomlNode* value = any(key);
    if (value == nullptr && required) missing(key, expected);
    return value;
}

void TableReader::missing(std::string_view key, std::string_view expected) {
    errors_.missing_key(node_.line, path_of(key) + " is missing: expected " + std::string(expected));
}

void TableReader::wrong(const TomlNode& value, std::string_view key, std::string_view expected) {
    errors_.wrong_value(value.line, path_of(key) + " = " + value.shown() + ": expected " + std::string(expected));
}

void TableReader::refuse(std::string_view key, std::string_view value, std::string_view text) {
    const TomlNode* found = node_.find(key);
    errors_.wrong_value(found != nullptr ? found->line : node_.line,
                        path_of(key) + " = " + std::string(value) + ": " + std::string(text));
}

void TableReader::refuse_name(std::string_view key, std::string_view name, std::string_view what,
                              std::span<const std::string> names) {
    refuse(key, '"' + std::string(name) + '"',
           "expected " + std::string(what) + joined(names) + suggestion(name, names));
}

std::string TableReader::text(std::string_view key, std::optional<std::string> fallback) {
    const TomlNode* value = want(key, !fallback, "a string");
    if (value == nullptr) return fallback.value_or("");
    if (value->kind != TomlNode::Kind::string) wrong(*value, key, "a string");
    return value->text;
}

std::int64_t TableReader::integer(std::string_view key, IntegerRange range, std::optional<std::int64_t> fallback) {
    const TomlNode* value = want(key, !fallback, describe(range));
    if (value == nullptr) return fallback.value_or(range.least);
    if (value->kind != TomlNode::Kind::integer || value->integer < range.least || value->integer > range.most) {
        wrong(*value, key, describe(range));
        return range.least;
    }
    return value->integer;
}

bool TableReader::number(const TomlNode& value, double& out) const {
    if (value.kind == TomlNode::Kind::integer) out = static_cast<double>(value.integer);
    if (value.kind == TomlNode::Kind::real) out = value.real;
    return value.kind == TomlNode::Kind::integer || value.kind == TomlNode::Kind::real;
}

double TableReader::real(std::string_view key, RealRange range, std::optional<double> fallback) {
    const TomlNode* value = want(key, !fallback, describe(range));
    if (value == nullptr) return fallback.value_or(range.above);
    double result = 0;
    if (!number(*value, result) || !inside(result, range)) wrong(*value, key, describe(range));
    return result;
}

bool TableReader::flag(std::string_view key, bool fallback) {
    const TomlNode* value = any(key);
    if (value == nullptr) return fallback;
    if (value->kind != TomlNode::Kind::boolean) wrong(*value, key, "true or false");
    return value->boolean;
}

Duration TableReader::duration(std::string_view key, std::int64_t unit_ns, Duration least,
                               std::optional<Duration> fallback) {
    const double unit = static_cast<double>(unit_ns);
    const RealRange range{static_cast<double>(least.value) / unit, static_cast<double>(k_duration_max_ns) / unit, true};
    const TomlNode* value = want(key, !fallback, describe(range));
    if (value == nullptr) return fallback.value_or(least);
    double count = 0;
    if (!number(*value, count) || !inside(count, range)) {
        wrong(*value, key, describe(range));
        return least;
    }
    const double ns = count * unit;
    // A thousandth of a nanosecond: far above the rounding of a double, far below what a person writes.
    if (ns < 1e12 && std::abs(ns - std::round(ns)) > 1e-3) wrong(*value, key, "a whole number of nanoseconds");
    return Duration(std::llround(ns));
}

std::optional<std::size_t> TableReader::name_index(std::string_view key, std::span<const std::string> names,
                                                   bool optional) {
    const TomlNode* value = want(key, !optional, joined(names));
    if (value == nullptr) return std::nullopt;
    if (value->kind != TomlNode::Kind::string) {
        wrong(*value, key, joined(names));
        return std::nullopt;
    }
    const auto found = std::find(names.begin(), names.end(), value->text);
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    refuse_name(key, value->text, "", names);
    return std::nullopt;
}

const TomlNode* TableReader::table(std::string_view key, bool required) {
    return want(key, required, "a table");
}

void TableReader::finish() {
    for (const TomlNode& child : node_.children) {
        if (node_.kind != TomlNode::Kind::table) return;
        if (std::find(known_.begin(), known_.end(), child.key) != known_.end()) continue;
        std::string text = path_of(child.key) + ": unknown key";
        const std::string near = suggestion(child.key, known_);
        text += near.empty() ? "; expected " + joined(known_) : near;
        errors_.unknown_key(child.key_line, std::move(text));
    }
}

std::string joined(std::span<const std::string> names) {
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
        text += names[i];
    }
    return text;
}

std::string suggestion(std::string_view name, std::span<const std::string> names) {
    std::string near = nearest_name(name, names);
    if (near.empty() && name.size() >= k_prefix_least) {
        const auto longer =
            std::find_if(names.begin(), names.end(), [&](const auto& n) { return n.starts_with(name); });
        if (longer != names.end()) near = *longer;
    }
    return near.empty() ? "" : "; did you mean \"" + near + "\"?";
}

}  // namespace replayd
