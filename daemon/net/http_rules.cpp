#include "daemon/net/http_rules.hpp"

#include <algorithm>
#include <cctype>

#include "daemon/net/problem.hpp"
#include "daemon/net/quoted.hpp"
#include "daemon/net/target.hpp"

namespace replayd::net::impl {
namespace {

constexpr const char* k_preflight_seconds = "86400";  // browsers ask again after a day at the latest

/// Pages of other origins may read where the gate says so; nothing may be changed from one.
HttpResponse preflight(const std::string& origin) {
    HttpResponse response;
    response.status = 204;
    response.content_type.clear();
    if (origin.empty()) return response;
    response.headers = {{"Access-Control-Allow-Origin", origin},
                        {"Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"},
                        {"Access-Control-Allow-Headers", "Authorization, Content-Type"},
                        {"Access-Control-Max-Age", k_preflight_seconds},
                        {"Vary", "Origin"}};
    return response;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

/// What leaves the length of the body in doubt, or asks for what is not spoken here.
std::optional<HttpResponse> body_violation(const HeaderShape& shape) {
    if (shape.content_lengths > 1) {
        return problem(400, "invalid_argument", "the header Content-Length comes twice: expected it once");
    }
    if (!shape.transfer_encodings.empty()) {
        if (shape.content_lengths > 0) {
            return problem(400, "invalid_argument",
                           "the request has both Content-Length and Transfer-Encoding: expected one of them");
        }
        if (!shape.http_1_1) {
            return problem(400, "invalid_argument",
                           "the request has Transfer-Encoding in HTTP/1.0: expected Content-Length");
        }
        if (shape.transfer_encodings.size() > 1 || !equal_ignoring_case(shape.transfer_encodings[0], "chunked")) {
            return problem(501, "invalid_argument",
                           "Transfer-Encoding is " + net::quoted(shape.transfer_encodings.back()) +
                               ": expected \"chunked\", once");
        }
    }
    if (!shape.expect.empty() && !equal_ignoring_case(shape.expect, "100-continue")) {
        return problem(417, "invalid_argument",
                       "Expect is " + net::quoted(shape.expect) + ": expected \"100-continue\"");
    }
    return std::nullopt;
}

void add_if_missing(HttpResponse& response, const char* name, const std::string& value) {
    const auto same = [name](const auto& header) { return equal_ignoring_case(header.first, name); };
    if (std::none_of(response.headers.begin(), response.headers.end(), same)) {
        response.headers.emplace_back(name, value);
    }
}

}  // namespace

HttpResponse too_many_connections(const ServerOptions& options, std::size_t per_client_max, std::size_t of_client) {
    if (of_client > per_client_max) {
        return problem(503, "unavailable",
                       "all " + std::to_string(per_client_max) +
                           " connections that one address may have are in use: close some, or try again later");
    }
    return problem(503, "unavailable",
                   "all " + std::to_string(options.connections_max) + " connections are in use: try again later");
}

HttpResponse header_timeout(const ServerOptions& options) {
    return problem(408, "timeout",
                   "the header of the request was not complete after " +
                       std::to_string(options.http_header_timeout.count()) + " ms: expected it in that time");
}

HttpResponse body_timeout(const ServerOptions& options) {
    return problem(408, "timeout",
                   "the body of the request was not complete after " +
                       std::to_string(options.http_idle_timeout.count()) + " ms: expected it in that time");
}

HttpResponse header_too_large(const ServerOptions& options) {
    return problem(431, "too_large",
                   "the header of the request is too large: expected at most " +
                       std::to_string(options.http_header_bytes_max) + " bytes");
}

HttpResponse body_too_large(const ServerOptions& options) {
    return problem(413, "too_large",
                   "the body of the request is too large: expected at most " +
                       std::to_string(options.http_body_bytes_max) + " bytes");
}

HttpResponse not_http(const std::string& reason) {
    return problem(400, "invalid_argument", "the request is not HTTP/1.1: " + reason);
}

HttpResponse wrong_http_version() {
    return problem(505, "invalid_argument", "the version of HTTP is not one that is spoken here: expected HTTP/1.1");
}

std::optional<HttpResponse> header_violation(const HeaderShape& shape, const ServerOptions& options) {
    if (shape.target_bytes > options.http_target_bytes_max) {
        return problem(414, "too_large",
                       "the target of the request has " + std::to_string(shape.target_bytes) +
                           " bytes: expected at most " + std::to_string(options.http_target_bytes_max));
    }
    if (shape.fields > options.http_header_fields_max) {
        return problem(431, "too_large",
                       "the request has " + std::to_string(shape.fields) + " header fields: expected at most " +
                           std::to_string(options.http_header_fields_max));
    }
    if (shape.http_1_1 && shape.hosts == 0) {
        return problem(400, "invalid_argument", "the header Host is missing: expected the address of the daemon");
    }
    if (shape.hosts > 1) return problem(400, "invalid_argument", "the header Host comes twice: expected it once");
    return body_violation(shape);
}

std::string shown_origin(const HttpRequest& request, const Gate* gate) {
    if (gate == nullptr) return "*";
    const auto origin = request.headers.find("origin");
    return origin != request.headers.end() && gate->readable_from(origin->second) ? origin->second : std::string();
}

void add_header(std::map<std::string, std::string>& headers, std::string_view name, std::string_view value) {
    std::string key(name);
    std::transform(key.begin(), key.end(), key.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto [entry, inserted] = headers.try_emplace(std::move(key), value);
    if (!inserted) entry->second.append(", ").append(value);
}

std::optional<HttpResponse> answer_without_handler(HttpRequest& request, const std::string& target,
                                                   const std::string& origin) {
    auto parsed = parse_target(target);
    if (!parsed) return problem(400, "invalid_argument", parsed.error().message);
    request.path = std::move(parsed->path);
    request.query = std::move(parsed->query);
    if (request.method == "OPTIONS") return preflight(origin);
    return std::nullopt;
}

void finish_response(HttpResponse& response, const std::string& method, const std::string& origin) {
    add_if_missing(response, "X-Content-Type-Options", "nosniff");
    add_if_missing(response, "Referrer-Policy", "no-referrer");
    add_if_missing(response, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    // A page of another site may not embed what it cannot read either, e.g. as a script.
    add_if_missing(response, "Cross-Origin-Resource-Policy", origin.empty() ? "same-origin" : "cross-origin");
    if (origin.empty() || (method != "GET" && method != "HEAD")) return;
    add_if_missing(response, "Access-Control-Allow-Origin", origin);
    if (origin != "*") add_if_missing(response, "Vary", "Origin");
}

}  // namespace replayd::net::impl
