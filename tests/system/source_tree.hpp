#pragma once
// The files of this checkout, for tests that read them as text.

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace replayd::testing {

/// Paths from the root of the tree, sorted, of all files in its folders and at its top that end with one of `endings`
/// ("" any); build outputs, installed packages and hidden folders are no part of it.
[[nodiscard]] std::vector<std::string> files_of_tree(std::initializer_list<std::string_view> endings);

/// The bytes of a file, named from the root of the tree; empty where there is none.
[[nodiscard]] std::string text_of(const std::string& file);

}  // namespace replayd::testing
