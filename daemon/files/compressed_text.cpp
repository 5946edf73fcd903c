#include "daemon/files/compressed_text.hpp"

#include "daemon/config/config.hpp"
#include "daemon/files/decoder.hpp"

namespace replayd::files {

Result<std::string> read_compressed_text(const std::string& path) {
    const auto bytes = config::read_text_file(path);
    if (!bytes) return tl::unexpected(bytes.error());
    auto decoder = make_decoder(std::string_view(*bytes).substr(0, k_magic_bytes), path);
    if (!decoder) return tl::unexpected(decoder.error());
    std::string text;
    const auto append = [&text](std::string_view piece) -> Result<void> {
        text += piece;
        return {};
    };
    if (auto decoded = (*decoder)->decode(*bytes, append); !decoded) return tl::unexpected(decoded.error());
    if (auto ended = (*decoder)->finish(); !ended) return tl::unexpected(ended.error());
    return text;
}

}  // namespace replayd::files
