#include <algorithm>
#include <charconv>

#include "daemon/net/client.hpp"
#include "daemon/net/quoted.hpp"

namespace replayd::net {
namespace {

tl::unexpected<Error> refuse(std::string_view text, const std::string& why) {
    return fail(Code::invalid_argument, "the address " + net::quoted(text) + " " + why + ": expected http://HOST:PORT");
}

/// Where the host ends: after ']' for an IPv6 address, else at the colon of the port.
std::size_t host_end(std::string_view rest) {
    if (!rest.starts_with('[')) return std::min(rest.find(':'), rest.size());
    const std::size_t bracket = rest.find(']');
    return bracket == std::string_view::npos ? rest.size() : bracket + 1;
}

}  // namespace

std::string host_and_port(const std::string& host, std::uint16_t port) {
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
    std::string_view rest = text;
    for (const std::string_view scheme : {"http://", "ws://"}) {
        if (rest.starts_with(scheme)) rest.remove_prefix(scheme.size());
    }
    if (rest.find("://") != std::string_view::npos) return refuse(text, "has an unknown scheme");
    if (rest.ends_with('/')) rest.remove_suffix(1);
    if (rest.find('/') != std::string_view::npos) return refuse(text, "has a path");
    std::string_view host = rest.substr(0, host_end(rest));
    const std::string_view port = rest.substr(host.size());
    if (host.starts_with('[')) {
        if (!host.ends_with(']')) return refuse(text, "has no closing bracket");
        host = host.substr(1, host.size() - 2);
    }
    if (host.empty()) return refuse(text, "has no host");
    Endpoint endpoint;
    endpoint.host = host;
    if (port.empty()) return endpoint;
    const auto [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), endpoint.port);
    if (!port.starts_with(':') || error != std::errc{} || end != port.data() + port.size() || endpoint.port == 0) {
        return refuse(text, "has no port from 1 to 65535 after its host");
    }
    return endpoint;
}

}  // namespace replayd::net
