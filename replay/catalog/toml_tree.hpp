#pragma once
// TOML text as a small tree with a line number on every value. The only door to the TOML library, whose
// header is heavy: everything else reads this tree.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"

namespace replayd {

struct TomlNode {
    enum class Kind { boolean, integer, real, string, date, array, table };

    Kind kind = Kind::table;
    std::string key;         ///< empty for the root and for elements of an array
    std::int64_t line = 1;   ///< of the value; of the header for a table
    std::int64_t key_line = 1;
    bool boolean = false;
    std::int64_t integer = 0;
    double real = 0;
    std::string text;                ///< a string's contents
    std::vector<TomlNode> children;  ///< of a table, sorted by key; of an array, in order

    /// The child of a table by key, or null.
    [[nodiscard]] const TomlNode* find(std::string_view name) const;
    /// How the value looks in a message: `"text"`, `12`, `a table`.
    [[nodiscard]] std::string shown() const;
};

/// Error `invalid_argument` "ORIGIN:LINE: not valid TOML: …" for text that is not TOML.
[[nodiscard]] Result<TomlNode> parse_toml(std::string_view text, std::string_view origin);

}  // namespace replayd
