#pragma once
// Foreign text inside our messages: quoted, cut to a readable length, always valid UTF-8.

#include <cstddef>
#include <string>
#include <string_view>

namespace replayd::net {

/// Bytes of foreign text shown in a message; longer text ends in "…".
inline constexpr std::size_t k_quoted_bytes_max = 64;

/// Whether the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). O(bytes).
[[nodiscard]] bool is_utf8(std::string_view bytes);

/// The longest prefix of `text` that has at most `bytes_max` bytes and cuts no UTF-8 character.
[[nodiscard]] std::string_view cut_utf8(std::string_view text, std::size_t bytes_max);

/// `text` in double quotes, control characters and quotes escaped as in JSON, and every byte above 0x7f
/// as \xNN where the text is not UTF-8.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace replayd::net
