#pragma once
// What the server itself answers and adds, whatever the handler does; apart from any socket.

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/net/http.hpp"
#include "daemon/net/server.hpp"

namespace replayd::net::impl {

/// 503: the server has its maximum of connections, or the client's address (which has `of_client`) has its own.
[[nodiscard]] HttpResponse too_many_connections(const ServerOptions& options, std::size_t per_client_max,
                                                std::size_t of_client);
[[nodiscard]] HttpResponse header_timeout(const ServerOptions& options);
[[nodiscard]] HttpResponse body_timeout(const ServerOptions& options);
[[nodiscard]] HttpResponse header_too_large(const ServerOptions& options);
[[nodiscard]] HttpResponse body_too_large(const ServerOptions& options);
/// 400 for bytes that are no HTTP/1.1 request; `reason` is the parser's.
[[nodiscard]] HttpResponse not_http(const std::string& reason);

/// 505 for a version that is neither 1.0 nor 1.1.
[[nodiscard]] HttpResponse wrong_http_version();

/// What the header of a request says about its form, before its body is read.
struct HeaderShape {
    bool http_1_1 = true;
    std::size_t target_bytes = 0;
    std::size_t fields = 0;
    std::size_t hosts = 0;
    std::size_t content_lengths = 0;
    std::vector<std::string> transfer_encodings;  ///< values as sent
    std::string expect;
};

/// The refusal of a request whose end another reader could see elsewhere (RFC 9112 sections 6.1 and 6.3), that is too
/// large in target or number of fields, or that names no host or several. The connection closes after it.
[[nodiscard]] std::optional<HttpResponse> header_violation(const HeaderShape& shape, const ServerOptions& options);

/// Adds a header under its lower-case name; repeated ones are joined by ", " (RFC 9110 section 5.3).
void add_header(std::map<std::string, std::string>& headers, std::string_view name, std::string_view value);

/// The value of Access-Control-Allow-Origin for a request: "*" without a gate, the request's origin where the gate
/// lets pages of it read, otherwise empty.
[[nodiscard]] std::string shown_origin(const HttpRequest& request, const Gate* gate);

/// Fills path and query from `target`. The answer to a request that no handler needs to see: a malformed target,
/// OPTIONS; `origin` is what `shown_origin` says.
[[nodiscard]] std::optional<HttpResponse> answer_without_handler(HttpRequest& request, const std::string& target,
                                                                 const std::string& origin);

/// Adds what every answer carries: the headers that keep browsers from guessing and framing, and on GET and HEAD
/// Access-Control-Allow-Origin with `origin` unless that is empty.
void finish_response(HttpResponse& response, const std::string& method, const std::string& origin);

}  // namespace replayd::net::impl
