#pragma once
// Changes of a scenario's text tree by "KEY=VALUE": what-if questions and remedies in the words of the file.

#include <string_view>

#include "replay/catalog/toml_tree.hpp"

namespace replayd {

/// Sets one key of the document. KEY is a path with dots: "model", "slo.ttft_ms"; "NAME.…" of the pool with that name
/// or role (with `[split]`: of that phase), "pool.…" of every pool. VALUE is TOML; a bare word is a string. Tables on
/// the way are made where absent. The result is to be validated like any file. Error `invalid_argument` quotes the
/// setting.
[[nodiscard]] Result<void> apply_override(TomlNode& document, std::string_view setting);

}  // namespace replayd
