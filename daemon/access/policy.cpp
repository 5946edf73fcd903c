#include "daemon/access/policy.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace replayd::access {
namespace {

/// Files and folders of dashboard/, as they are built.
constexpr std::array<std::string_view, 3> k_page_files = {"/", "/index.html", "/icon.svg"};
constexpr std::array<std::string_view, 3> k_page_folders = {"/js/", "/style/", "/vendor/"};

bool of_the_page(std::string_view path) {
    return std::find(k_page_files.begin(), k_page_files.end(), path) != k_page_files.end() ||
           std::any_of(k_page_folders.begin(), k_page_folders.end(),
                       [path](std::string_view folder) { return path.starts_with(folder); });
}

}  // namespace

Result<Policy> load_policy(const config::DaemonConfig& config) {
    auto tokens = TokenTable::load(config.tokens);
    if (!tokens) return tl::unexpected(tokens.error());
    return Policy{std::move(*tokens), config.origins, config.limits.websockets_per_client_max};
}

std::optional<config::Role> needed_role(const net::HttpRequest& request) {
    const std::string& path = request.path;
    const bool reads = request.method == "GET" || request.method == "HEAD";
    if (reads && (path == "/healthz" || path == "/readyz" || of_the_page(path))) return std::nullopt;
    if (path == k_ingest_path || path == k_spans_path) return config::Role::ingest;
    return reads || path == "/api/v1/query" ? config::Role::read : config::Role::admin;
}

}  // namespace replayd::access
