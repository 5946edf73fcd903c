#include "daemon/access/credentials.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <vector>

#include <boost/algorithm/string/predicate.hpp>
#include <openssl/evp.h>

#include "daemon/config/config.hpp"

namespace replayd::access {
namespace {

constexpr std::string_view k_bearer_subprotocol = "replayd.bearer.";
constexpr const char* k_expected =
    ": expected \"Authorization: Bearer TOKEN\", or Basic with the token as the password";

std::optional<std::string> decode_base64(std::string_view text) {
    if (text.empty() || text.size() % 4 != 0) return std::nullopt;
    std::vector<unsigned char> bytes(text.size() / 4 * 3 + 1);
    const int size = EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    if (size < 0) return std::nullopt;
    // The decoder counts the padding as zero bytes.
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    return std::string(bytes.begin(), bytes.begin() + size - static_cast<std::ptrdiff_t>(padding));
}

/// The token among the subprotocols that an upgrade offers.
Result<std::optional<std::string>> offered_token(const net::HttpRequest& request) {
    const auto header = request.headers.find("sec-websocket-protocol");
    if (header == request.headers.end()) return std::nullopt;
    const std::size_t at = header->second.find(k_bearer_subprotocol);
    if (at == std::string::npos) return std::nullopt;
    const std::size_t begin = at + k_bearer_subprotocol.size();
    std::string text = header->second.substr(begin, header->second.find_first_of(", \t", begin) - begin);
    std::replace(text.begin(), text.end(), '-', '+');
    std::replace(text.begin(), text.end(), '_', '/');
    text.append((4 - text.size() % 4) % 4, '=');
    auto token = decode_base64(text);
    if (token) return token;
    return fail(Code::invalid_argument, "the subprotocol " + std::string(k_bearer_subprotocol) +
                                            "… does not decode: expected the token in base64url without padding");
}

bool address(std::string_view host) {
    in_addr v4{};
    return host.starts_with('[') || inet_pton(AF_INET, std::string(host).c_str(), &v4) == 1;
}

std::string_view without_scheme(std::string_view origin) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (origin.starts_with(scheme)) return origin.substr(scheme.size());
    }
    return {};
}

}  // namespace

Result<std::optional<std::string>> shown_token(const net::HttpRequest& request) {
    const auto header = request.headers.find("authorization");
    if (header == request.headers.end()) return offered_token(request);
    const std::string_view value = header->second;
    const std::size_t blank = value.find(' ');
    const std::string_view scheme = value.substr(0, blank);
    const std::string_view rest = blank == std::string_view::npos ? std::string_view() : value.substr(blank + 1);
    if (boost::algorithm::iequals(scheme, "bearer")) return std::string(rest);
    if (!boost::algorithm::iequals(scheme, "basic")) {
        return fail(Code::invalid_argument, std::string("the header Authorization has another scheme") + k_expected);
    }
    const auto pair = decode_base64(rest);
    const std::size_t colon = pair ? pair->find(':') : std::string::npos;
    if (colon == std::string::npos) {
        return fail(Code::invalid_argument, std::string("the header Authorization does not decode") + k_expected);
    }
    return pair->substr(colon + 1);
}

std::string_view host_of(std::string_view host_and_port) {
    if (host_and_port.starts_with('[')) return host_and_port.substr(0, host_and_port.find(']') + 1);
    return host_and_port.substr(0, host_and_port.find(':'));
}

bool same_origin(const net::HttpRequest& request, std::string_view origin) {
    const auto host = request.headers.find("host");
    return host != request.headers.end() && !host->second.empty() && without_scheme(origin) == host->second;
}

bool loopback_origin(std::string_view origin) {
    const std::string_view host = host_of(without_scheme(origin));
    return host == "[::1]" || config::loopback(host);
}

bool public_name(std::string_view host) {
    return host.find('.') != std::string_view::npos && !address(host) &&
           !boost::algorithm::iends_with(host, ".localhost");
}

}  // namespace replayd::access
