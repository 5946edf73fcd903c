#pragma once
// Contents of compressed messages: of the kinds and sizes that the Autobahn testsuite uses, made here from a seed.

#include <cstddef>
#include <string>

namespace replayd::net::testing {

/// The contents that a kind of messages are slices of, one after another and around.
class DeflateContents {
public:
    /// `kind`: 0 JSON, 1 bitmap, 2 prose, 3 HTML, 4 a mix of text and noise as in a PDF file.
    explicit DeflateContents(int kind);

    /// JSON and HTML are text, the others binary.
    [[nodiscard]] bool text() const { return text_; }
    /// The next `size` characters (text, as UTF-8) or bytes.
    [[nodiscard]] std::string next(std::size_t size);

private:
    bool text_;
    std::u32string characters_;  ///< bytes of binary contents are characters below 256
    std::size_t position_ = 0;
};

}  // namespace replayd::net::testing
