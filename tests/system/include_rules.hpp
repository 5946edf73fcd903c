#pragma once
// The directions between the folders of the tree as rules on single `#include` lines; apart from any file, so that
// each rule can be shown to fail.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace replayd::testing {

/// One `#include` of a file.
struct Include {
    std::size_t line = 0;  ///< from 1
    std::string header;    ///< what stands between the quotes or brackets
};

/// The includes of a source text, in order; also those inside `#if` branches.
[[nodiscard]] std::vector<Include> includes_of(std::string_view source);

/// Why a file (path from the root of the tree) may not include this header, or nothing.
[[nodiscard]] std::optional<std::string> include_violation(std::string_view file, std::string_view header);

/// True for headers of Beast, which cost many seconds per translation unit.
[[nodiscard]] bool is_beast(std::string_view header);

/// Why the tree may not have a folder of this name at its top, or nothing. Hidden folders and `build` are no part of
/// the tree.
[[nodiscard]] std::optional<std::string> top_folder_violation(std::string_view name);

}  // namespace replayd::testing
