#pragma once
// Reads one TOML table field by field. The first trouble of a document is kept and becomes its one message;
// reading goes on with fallback values so that callers stay free of branches, and `TomlErrors::first()` decides
// at the end whether the result may be used.

#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/base/units.hpp"
#include "replay/catalog/toml_tree.hpp"

namespace replayd {

/// Trouble of one document. A misspelt key outranks a wrong value, and that a missing key, since a misspelling
/// is the likelier cause of the other two.
class TomlErrors {
public:
    explicit TomlErrors(std::string_view origin) : origin_(origin) {}

    void unknown_key(std::int64_t line, std::string text) { keep(unknown_, line, std::move(text)); }
    void wrong_value(std::int64_t line, std::string text) { keep(wrong_, line, std::move(text)); }
    void missing_key(std::int64_t line, std::string text) { keep(missing_, line, std::move(text)); }

    [[nodiscard]] bool any() const { return unknown_ || wrong_ || missing_; }
    /// The message to show, "ORIGIN:LINE: …"; only when `any()`.
    [[nodiscard]] Error first() const;

private:
    void keep(std::optional<std::string>& slot, std::int64_t line, std::string text);

    std::string origin_;
    std::optional<std::string> unknown_;
    std::optional<std::string> wrong_;
    std::optional<std::string> missing_;
};

struct IntegerRange {
    std::int64_t least = 0;
    std::int64_t most = std::numeric_limits<std::int64_t>::max();
};

struct RealRange {
    double above = 0;  ///< exclusive, unless `least_included`
    double most = std::numeric_limits<double>::max();
    bool least_included = false;
};

/// A name in TOML and the value it stands for.
template <class T>
struct Choice {
    std::string_view name;
    T value;
};

class TableReader {
public:
    /// `path` is how messages name the table ("pool.kv"; empty for the document). A node that is no table is a
    /// wrong value, and then every field reads as its fallback without further messages.
    TableReader(const TomlNode& node, std::string path, TomlErrors& errors);

    // Each reader below marks the key as known. Without a fallback the key must be there.
    std::string text(std::string_view key, std::optional<std::string> fallback = std::nullopt);
    std::int64_t integer(std::string_view key, IntegerRange range, std::optional<std::int64_t> fallback = std::nullopt);
    double real(std::string_view key, RealRange range, std::optional<double> fallback = std::nullopt);
    bool flag(std::string_view key, bool fallback);
    /// A number of units of `unit_ns` nanoseconds, from `least` to 1,000,000 hours; must be whole nanoseconds.
    Duration duration(std::string_view key, std::int64_t unit_ns, Duration least,
                      std::optional<Duration> fallback = std::nullopt);

    /// One of the names in `choices`.
    template <class T>
    T choice(std::string_view key, std::span<const Choice<T>> choices, std::optional<T> fallback = std::nullopt) {
        std::vector<std::string> names;
        for (const Choice<T>& c : choices) names.emplace_back(c.name);
        const std::optional<std::size_t> index = name_index(key, names, fallback.has_value());
        return index ? choices[*index].value : fallback.value_or(choices.front().value);
    }

    /// A sub-table, or null when it is absent and `required` is false.
    const TomlNode* table(std::string_view key, bool required);
    /// The value of a key of any type, or null when it is absent.
    const TomlNode* any(std::string_view key);

    [[nodiscard]] bool has(std::string_view key) const { return node_.find(key) != nullptr; }
    /// "path.key".
    [[nodiscard]] std::string path_of(std::string_view key) const;
    [[nodiscard]] const std::string& path() const { return path_; }
    /// Of the table's header.
    [[nodiscard]] std::int64_t line() const { return node_.line; }
    [[nodiscard]] TomlErrors& errors() { return errors_; }

    /// Refuses the value of `key` (or, where it was left to its default, the table): "path.key = VALUE: TEXT".
    void refuse(std::string_view key, std::string_view value, std::string_view text);
    /// As above for a key that must hold one of `names`: adds the nearest of them.
    void refuse_name(std::string_view key, std::string_view name, std::string_view what,
                     std::span<const std::string> names);
    void missing(std::string_view key, std::string_view expected);

    /// Refuses every key that nobody read. To be called after the last read.
    void finish();

private:
    const TomlNode* want(std::string_view key, bool required, std::string_view expected);
    void wrong(const TomlNode& value, std::string_view key, std::string_view expected);
    std::optional<std::size_t> name_index(std::string_view key, std::span<const std::string> names, bool optional);
    bool number(const TomlNode& value, double& out) const;

    const TomlNode& node_;
    std::string path_;
    TomlErrors& errors_;
    std::vector<std::string> known_;
};

/// "a, b or c".
[[nodiscard]] std::string joined(std::span<const std::string> names);
/// `; did you mean "NAME"?` for the nearest of `names`, or the first that begins with `name`, or nothing.
[[nodiscard]] std::string suggestion(std::string_view name, std::span<const std::string> names);

}  // namespace replayd
