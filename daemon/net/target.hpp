#pragma once
// The target of an HTTP request line (RFC 9112 section 3.2) split and percent-decoded (RFC 3986 section 2.1).

#include <map>
#include <string>
#include <string_view>

#include "replay/base/error.hpp"

namespace replayd::net {

struct Target {
    std::string path;                          ///< decoded, starts with '/', or "*"
    std::map<std::string, std::string> query;  ///< decoded, '+' is a space; the last value of a name wins
};

/// Accepts origin form ("/a?b=c"), absolute form ("http://host/a?b=c") and "*". Error `invalid_argument` for
/// another form, a fragment, a broken percent sequence, or one that decodes to a control character or to bytes
/// that are not UTF-8.
[[nodiscard]] Result<Target> parse_target(std::string_view text);

}  // namespace replayd::net
