#include "daemon/net/http_rules.hpp"

#include <algorithm>
#include <cctype>

#include "daemon/net/problem.hpp"
#include "daemon/net/target.hpp"

namespace replayd::net::impl {
namespace {

constexpr const char* k_preflight_seconds = "86400";  // browsers ask again after a day at the latest

/// The page may be read from any origin; nothing may be changed from one.
HttpResponse preflight() {
    HttpResponse response;
    response.status = 204;
    response.content_type.clear();
    response.headers = {{"Access-Control-Allow-Origin", "*"},
                        {"Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"},
                        {"Access-Control-Allow-Headers", "Content-Type"},
                        {"Access-Control-Max-Age", k_preflight_seconds}};
    return response;
}

}  // namespace

HttpResponse request_timeout(const ServerOptions& options) {
    return problem(408, "timeout",
                   "the request was not complete after " + std::to_string(options.http_idle_timeout.count()) +
                       " ms: expected it in that time");
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

void add_header(std::map<std::string, std::string>& headers, std::string_view name, std::string_view value) {
    std::string key(name);
    std::transform(key.begin(), key.end(), key.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto [entry, inserted] = headers.try_emplace(std::move(key), value);
    if (!inserted) entry->second.append(", ").append(value);
}

std::optional<HttpResponse> answer_without_handler(HttpRequest& request, const std::string& target, bool http_1_1) {
    if (http_1_1 && !request.headers.contains("host")) {
        return problem(400, "invalid_argument", "the header Host is missing: expected the address of the daemon");
    }
    auto parsed = parse_target(target);
    if (!parsed) return problem(400, "invalid_argument", parsed.error().message);
    request.path = std::move(parsed->path);
    request.query = std::move(parsed->query);
    if (request.method == "OPTIONS") return preflight();
    return std::nullopt;
}

void finish_response(HttpResponse& response, const std::string& method) {
    if (method != "GET" && method != "HEAD") return;
    const auto allows_origin = [](const auto& header) { return header.first == "Access-Control-Allow-Origin"; };
    if (std::none_of(response.headers.begin(), response.headers.end(), allows_origin)) {
        response.headers.emplace_back("Access-Control-Allow-Origin", "*");
    }
}

}  // namespace replayd::net::impl
