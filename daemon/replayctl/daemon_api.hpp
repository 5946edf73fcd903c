#pragma once
// The daemon's HTTP API as a client sees it: JSON values or the daemon's own error.

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "daemon/net/client.hpp"
#include "replay/base/error.hpp"

namespace replayd::ctl {

/// Where a daemon is when nothing else says so.
inline constexpr std::string_view k_default_daemon = "http://127.0.0.1:8080";

/// GET `target`. Errors: the daemon's problem details with their code, `unavailable` when nothing listens, `io`.
[[nodiscard]] Result<boost::json::value> api_get(const net::Endpoint& daemon, const std::string& target);
/// POST `body` as JSON to `target`; errors as above.
[[nodiscard]] Result<boost::json::value> api_post(const net::Endpoint& daemon, const std::string& target,
                                                  const boost::json::value& body);

/// The Code of that name in a problem or a Failure; nothing for a name that is more exact than any Code.
[[nodiscard]] std::optional<Code> code_named(std::string_view name);

/// `text` percent-encoded as one segment of a path or value of a query (RFC 3986 section 2.3).
[[nodiscard]] std::string url_encoded(std::string_view text);

/// A member of the API's objects. Error `io` names it when it is missing or no array.
[[nodiscard]] Result<const boost::json::array*> array_member(const boost::json::value& object, std::string_view name);

}  // namespace replayd::ctl
