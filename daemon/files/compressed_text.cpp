#include "daemon/files/compressed_text.hpp"

#include <cerrno>
#include <cstring>
#include <iostream>
#include <iterator>

#include "daemon/config/config.hpp"
#include "daemon/files/decoder.hpp"

namespace replayd::files {
namespace {

Result<std::string> read_standard_input() {
    std::string bytes((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
    if (std::cin.bad()) return fail(Code::io, "cannot read standard input: " + std::string(std::strerror(errno)));
    return bytes;
}

}  // namespace

Result<std::string> read_compressed_text(const std::string& path) {
    const bool standard = path == "-";
    const auto bytes = standard ? read_standard_input() : config::read_text_file(path);
    if (!bytes) return tl::unexpected(bytes.error());
    auto decoder = make_decoder(std::string_view(*bytes).substr(0, k_magic_bytes), standard ? "standard input" : path);
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
