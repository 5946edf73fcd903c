#pragma once
// How values of a trace are shown in messages, and which bytes may be text.

#include <string>
#include <string_view>

#include "replay/base/error.hpp"

namespace replayd {

/// `value` in double quotes for a message: control characters and bytes outside ASCII text as \xNN,
/// cut after 60 bytes with "...".
[[nodiscard]] std::string quoted(std::string_view value);

/// True when `text` is well-formed UTF-8 (RFC 3629). The ingest protocol carries nothing else.
[[nodiscard]] bool is_utf8(std::string_view text);

/// `text` without spaces and tabs at either end.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// The one form of a value error: `FIELD is "VALUE": expected EXPECTED`, Code invalid_argument.
[[nodiscard]] tl::unexpected<Error> wrong_value(std::string_view field, std::string_view value,
                                             std::string_view expected);

}  // namespace replayd
