#include "daemon/access/policy.hpp"

#include <utility>

namespace replayd::access {

Result<Policy> load_policy(const config::DaemonConfig& config) {
    auto tokens = TokenTable::load(config.tokens);
    if (!tokens) return tl::unexpected(tokens.error());
    return Policy{std::move(*tokens), config.origins, config.limits.websockets_per_client_max};
}

std::optional<config::Role> needed_role(const net::HttpRequest& request) {
    const std::string& path = request.path;
    const bool reads = request.method == "GET" || request.method == "HEAD";
    if (reads && (path == "/healthz" || path == "/readyz")) return std::nullopt;
    if (path == k_ingest_path) return config::Role::ingest;
    return reads || path == "/api/v1/query" ? config::Role::read : config::Role::admin;
}

}  // namespace replayd::access
