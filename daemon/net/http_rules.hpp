#pragma once
// What the server itself answers and adds, whatever the handler does; apart from any socket.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/net/http.hpp"
#include "daemon/net/server.hpp"

namespace replayd::net::impl {

[[nodiscard]] HttpResponse request_timeout(const ServerOptions& options);
[[nodiscard]] HttpResponse header_too_large(const ServerOptions& options);
[[nodiscard]] HttpResponse body_too_large(const ServerOptions& options);
/// 400 for bytes that are no HTTP/1.1 request; `reason` is the parser's.
[[nodiscard]] HttpResponse not_http(const std::string& reason);

/// Adds a header under its lower-case name; repeated ones are joined by ", " (RFC 9110 section 5.3).
void add_header(std::map<std::string, std::string>& headers, std::string_view name, std::string_view value);

/// Fills path and query from `target`. The answer to a request that no handler needs to see: a malformed target,
/// a missing Host in HTTP/1.1, OPTIONS.
[[nodiscard]] std::optional<HttpResponse> answer_without_handler(HttpRequest& request, const std::string& target,
                                                                 bool http_1_1);

/// Adds what every answer carries: Access-Control-Allow-Origin on GET and HEAD.
void finish_response(HttpResponse& response, const std::string& method);

}  // namespace replayd::net::impl
