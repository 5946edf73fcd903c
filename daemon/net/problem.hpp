#pragma once
// Error answers as problem details (RFC 9457), the one form that every HTTP error of the daemon has.

#include <string_view>

#include "daemon/net/http.hpp"

namespace replayd::net {

/// The standard phrase of an HTTP status ("Not Found"), or "Error" for a status that the daemon never sends.
[[nodiscard]] std::string_view status_phrase(unsigned status);

/// `{"type":"about:blank","title":phrase,"status":…,"code":…,"detail":…}` as application/problem+json. `code`
/// is the stable name that scripts compare, `detail` the sentence for people. Bytes of `detail` that are not
/// UTF-8 become '?'.
[[nodiscard]] HttpResponse problem(unsigned status, std::string_view code, std::string_view detail);

}  // namespace replayd::net
