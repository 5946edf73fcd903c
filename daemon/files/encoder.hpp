#pragma once
// Compression of a byte stream, the counterpart of decoder.hpp.

#include <memory>
#include <string>
#include <string_view>

#include "replay/base/error.hpp"

namespace replayd::files {

class Encoder {
public:
    virtual ~Encoder() = default;
    /// Appends to `out` what the encoder has to say after `bytes`, which may be nothing yet.
    virtual void encode(std::string_view bytes, std::string& out) = 0;
    /// Appends the rest. Call once, last.
    virtual void finish(std::string& out) = 0;
};

/// By the end of `path`: ".gz" gzip, ".zst" zstd, anything else plain. Error unavailable without memory.
[[nodiscard]] Result<std::unique_ptr<Encoder>> make_encoder(std::string_view path);

}  // namespace replayd::files
