#pragma once
// "Did you mean …?": the candidate closest to a misspelt name, by edit distance.

#include <span>
#include <string>
#include <string_view>

namespace replayd {

/// The candidate with the smallest Levenshtein distance to `name` (first one on ties), or an empty
/// string when none is within half of `name`'s length (at least 2). O(candidates × length²).
[[nodiscard]] std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

}  // namespace replayd
