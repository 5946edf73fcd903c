#pragma once
// The TOML files of this folder, compiled into the program (see embed.cmake).

#include <span>
#include <string_view>

namespace replayd {

struct EmbeddedFile {
    std::string_view path;  ///< relative to replay/catalog, e.g. "scenarios/llama-3.1-8b-h100-pd.toml"
    std::string_view text;
};

/// Every embedded file, sorted by path.
[[nodiscard]] std::span<const EmbeddedFile> embedded_files();

}  // namespace replayd
