#pragma once
// A whole text file in memory, decompressed where it is gzip or zstd.

#include <string>

#include "replay/base/error.hpp"

namespace replayd::files {

/// "-" is standard input, whole. Error `not_found` or `io` names the path and the system's reason; `invalid_argument`
/// for damaged data.
[[nodiscard]] Result<std::string> read_compressed_text(const std::string& path);

}  // namespace replayd::files
