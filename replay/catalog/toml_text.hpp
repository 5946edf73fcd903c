#pragma once
// The other way round of toml_tree.hpp: a tree as TOML text.

#include <string>

#include "replay/catalog/toml_tree.hpp"

namespace replayd {

/// Text that parse_toml reads as the same tree, but for line numbers: the values of a table first, then its tables
/// under headings. Comments and the order of keys of the text that the tree was read from are not in it. The tree holds
/// no dates.
[[nodiscard]] std::string toml_text(const TomlNode& document);

}  // namespace replayd
