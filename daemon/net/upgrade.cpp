#include "daemon/net/upgrade.hpp"

#include <algorithm>
#include <cctype>
#include <string>

#include "daemon/net/problem.hpp"
#include "daemon/net/quoted.hpp"

namespace replayd::net::impl {
namespace {

constexpr std::string_view k_websocket_version = "13";  // RFC 6455 section 4.1
constexpr std::size_t k_key_characters = 24;            // base64 of 16 bytes, RFC 6455 section 4.1

std::string_view header(const HttpRequest& request, const std::string& name) {
    const auto found = request.headers.find(name);
    return found == request.headers.end() ? std::string_view() : std::string_view(found->second);
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

/// Whether a comma-separated list holds `token` exactly as written.
bool lists(std::string_view list, std::string_view token) {
    while (!list.empty()) {
        const std::string_view item = list.substr(0, list.find(','));
        list.remove_prefix(std::min(list.size(), item.size() + 1));
        if (trimmed(item) == token) return true;
    }
    return false;
}

bool is_base64_key(std::string_view key) {
    const auto allowed = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '/';
    };
    return key.size() == k_key_characters && key.ends_with("==") &&
           std::all_of(key.begin(), key.end() - 2, allowed);
}

std::string known_paths(const ServerState& state) {
    std::string text;
    for (const auto& [path, route] : state.routes) text += (text.empty() ? "" : ", ") + path;
    return text;
}

HttpResponse wrong_version(std::string_view version) {
    HttpResponse response =
        problem(426, "upgrade_required",
                "Sec-WebSocket-Version is " + net::quoted(version) + ": expected " + net::quoted(k_websocket_version));
    response.headers.emplace_back("Sec-WebSocket-Version", k_websocket_version);
    return response;
}

}  // namespace

bool wants_websocket(const HttpRequest& request) {
    return lists(lower(header(request, "connection")), "upgrade") &&
           lists(lower(header(request, "upgrade")), "websocket");
}

UpgradeDecision decide_upgrade(const HttpRequest& request, ServerState& state) {
    const auto found = state.routes.find(request.path);
    if (found == state.routes.end()) {
        return {nullptr, problem(404, "not_found",
                                 "no websocket at " + net::quoted(request.path) + ": expected " + known_paths(state))};
    }
    if (request.method != "GET") {
        return {nullptr, problem(405, "invalid_argument",
                                 "the method of a websocket upgrade is " + net::quoted(request.method) +
                                     ": expected GET")};
    }
    if (!request.body.empty()) {
        return {nullptr, problem(400, "invalid_argument", "the websocket upgrade has a body: expected none")};
    }
    const std::string_view version = header(request, "sec-websocket-version");
    if (version != k_websocket_version) return {nullptr, wrong_version(version)};
    const std::string_view key = header(request, "sec-websocket-key");
    if (!is_base64_key(key)) {
        return {nullptr, problem(400, "invalid_argument",
                                 "Sec-WebSocket-Key is " + net::quoted(key) + ": expected 16 bytes in base64")};
    }
    const std::string_view offered = header(request, "sec-websocket-protocol");
    const std::string& expected = found->second.route.subprotocol;
    if (!lists(offered, expected)) {
        return {nullptr, problem(400, "invalid_argument",
                                 "Sec-WebSocket-Protocol offers " + net::quoted(offered) + ": expected " +
                                     net::quoted(expected) + " on " + request.path)};
    }
    return {&found->second, {}};
}

std::string deflate_offer(const HttpRequest& request) {
    const std::string_view offered = header(request, "sec-websocket-extensions");
    const std::string text = lower(offered);
    if (text.find("permessage-deflate") == std::string::npos) return "";
    for (std::size_t at = text.find("window_bits"); at != std::string::npos; at = text.find("window_bits", at + 1)) {
        const std::size_t value = text.find_first_not_of(" \t=\"", at + std::string_view("window_bits").size());
        if (value != std::string::npos && text[value] == '8') return "";
    }
    return std::string(offered);
}

HttpResponse upgrade_required(const HttpRequest& request, const Route& route) {
    HttpResponse response = problem(426, "upgrade_required",
                                    request.path + " is a websocket: expected an upgrade with the subprotocol " +
                                        net::quoted(route.route.subprotocol));
    response.headers.emplace_back("Upgrade", "websocket");
    return response;
}

}  // namespace replayd::net::impl
