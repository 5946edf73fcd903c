#pragma once
// JSON text (RFC 8259) as the same tree as TOML text, so that one set of readers and messages serves both.

#include <string_view>

#include "replay/catalog/toml_tree.hpp"

namespace replayd {

/// Numbers without fraction or exponent are integers, null reads as a key that is not there. Error `invalid_argument`
/// "ORIGIN:LINE: not valid JSON: …" for anything else than one object, for keys that repeat, and for nesting deeper
/// than 64.
[[nodiscard]] Result<TomlNode> parse_json_object(std::string_view text, std::string_view origin);

}  // namespace replayd
