#pragma once
// The TOML files of this folder, compiled into the program (see embed.cmake).

#include <span>
#include <string_view>

namespace replayd {

struct EmbeddedFile {
    std::string_view
        path;  ///< relative to the folder that the files are of, e.g. "scenarios/llama-3.1-8b-h100-pd.toml"
    std::string_view text;
};

/// Every embedded file of this folder, sorted by path.
[[nodiscard]] std::span<const EmbeddedFile> embedded_files();

}  // namespace replayd
