#pragma once
// Decompression of a byte stream: gzip, zstd, or nothing, found from the first bytes.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "replay/base/error.hpp"

namespace replayd::files {

/// Takes decoded bytes; they are valid during the call only.
using OnBytes = std::function<Result<void>(std::string_view bytes)>;

class Decoder {
public:
    virtual ~Decoder() = default;
    /// Decodes the next bytes of the file, of any number. Hands what they give to `on_bytes`, in pieces of
    /// at most 256 KiB, and stops at its first error. Error invalid_argument for damaged data.
    [[nodiscard]] virtual Result<void> decode(std::string_view bytes, const OnBytes& on_bytes) = 0;
    /// No byte follows. Error invalid_argument when the data end in the middle of a compressed stream.
    [[nodiscard]] virtual Result<void> finish() = 0;
};

/// Bytes that `make_decoder` needs to see, unless the file is shorter.
inline constexpr std::size_t k_magic_bytes = 4;

/// The decoder for a file that begins with `first_bytes`: gzip (RFC 1952, several members allowed), zstd
/// (RFC 8878, several frames allowed) or plain. `origin` names the file in errors.
[[nodiscard]] Result<std::unique_ptr<Decoder>> make_decoder(std::string_view first_bytes, const std::string& origin);

}  // namespace replayd::files
