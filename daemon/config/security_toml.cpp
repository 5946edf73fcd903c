#include "daemon/config/security_toml.hpp"

#include <algorithm>
#include <array>

namespace replayd::config {
namespace {

constexpr std::size_t k_token_name_characters_max = 64;

bool plain_name(std::string_view name) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    };
    return !name.empty() && name.size() <= k_token_name_characters_max && name.front() != '.' &&
           std::all_of(name.begin(), name.end(), allowed);
}

Result<std::vector<Role>> read_roles(const Section& section, const toml::node& at) {
    static const std::array<std::string, 3> names = {"read", "ingest", "admin"};
    std::vector<std::string> given;
    if (auto done = section.texts("roles", given); !done) return tl::unexpected(done.error());
    if (given.empty()) return section.refuse(at, "roles is missing: expected one or more of read, ingest, admin");
    std::vector<Role> roles;
    for (const std::string& name : given) {
        const auto found = std::find(names.begin(), names.end(), name);
        if (found == names.end()) {
            return section.refuse(*section.table().get("roles"), "roles holds \"" + name +
                                                                     "\": expected read, ingest or admin" +
                                                                     did_you_mean(name, names));
        }
        roles.push_back(static_cast<Role>(found - names.begin()));
    }
    return roles;
}

/// `file_key` or `credential_key` of the section: exactly one of them.
Result<SecretSource> read_secret_source(const Section& section, const toml::node& at, const std::string& file_key,
                                        const std::string& credential_key) {
    SecretSource source;
    auto read = section.text(file_key, source.file).and_then([&] {
        return section.text(credential_key, source.credential);
    });
    if (!read) return tl::unexpected(read.error());
    if (source.file.empty() == source.credential.empty()) {
        return section.refuse(at, file_key + " and " + credential_key + " are both " +
                                      (source.file.empty() ? "missing" : "given") +
                                      ": expected one of them, the path of a file that only its owner reads or the "
                                      "name of a systemd credential");
    }
    if (!source.credential.empty() && !plain_name(source.credential)) {
        return section.refuse(*section.table().get(credential_key),
                              credential_key + " is \"" + source.credential +
                                  "\": expected a name of 1 to 64 characters of A-Z a-z 0-9 . _ -, not a path");
    }
    return source;
}

Result<TokenConfig> read_token(const Section& section, const toml::node& at) {
    static const std::array<std::string, 4> known = {"name", "roles", "file", "credential"};
    TokenConfig token;
    auto read = section.only(known).and_then([&] { return section.text("name", token.name); });
    if (!read) return tl::unexpected(read.error());
    if (!plain_name(token.name)) {
        return section.refuse(at, "name is \"" + token.name + "\": expected 1 to 64 characters of A-Z a-z 0-9 . _ -");
    }
    auto roles = read_roles(section, at);
    if (!roles) return tl::unexpected(roles.error());
    token.roles = std::move(*roles);
    auto secret = read_secret_source(section, at, "file", "credential");
    if (!secret) return tl::unexpected(secret.error());
    token.secret = std::move(*secret);
    return token;
}

/// Scheme and authority, as browsers write it in the Origin header (RFC 6454 section 6.2).
bool is_origin(std::string_view text) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!text.starts_with(scheme)) continue;
        const std::string_view host = text.substr(scheme.size());
        const auto allowed = [](char c) {
            return c > ' ' && c < 0x7f && c != '/' && c != '*' && !(c >= 'A' && c <= 'Z');
        };
        return !host.empty() && std::all_of(host.begin(), host.end(), allowed);
    }
    return false;
}

}  // namespace

Result<void> read_origins(const Section& section, DaemonConfig& config) {
    if (auto done = section.texts("origins", config.origins); !done) return done;
    for (const std::string& origin : config.origins) {
        if (is_origin(origin)) continue;
        return section.refuse(*section.table().get("origins"),
                              "origins holds \"" + origin +
                                  "\": expected an origin as browsers send it, in lower case and without a path, "
                                  "such as https://replay.example.com");
    }
    return {};
}

Result<void> read_tokens(const toml::table& root, std::string_view origin, DaemonConfig& config) {
    const toml::node* node = root.get("token");
    if (node == nullptr) return {};
    const toml::array* array = node->as_array();
    if (array == nullptr || !array->is_array_of_tables()) {
        return Section(root, "", origin).refuse(*node, "token: expected [[token]] tables");
    }
    for (const toml::node& item : *array) {
        auto token = read_token(Section(*item.as_table(), "token.", origin), item);
        if (!token) return tl::unexpected(token.error());
        config.tokens.push_back(std::move(*token));
    }
    return {};
}

Result<void> read_limits(const Section& section, DaemonConfig& config) {
    static const std::array<std::string, 4> known = {"connections_max", "connections_per_client_max",
                                                     "websockets_per_client_max", "streams_max"};
    constexpr std::int64_t k_connections_most = 100'000;
    Limits& limits = config.limits;
    return section.only(known)
        .and_then([&] { return section.count("connections_max", 1, k_connections_most, limits.connections_max); })
        .and_then([&] {
            return section.count("connections_per_client_max", 1, k_connections_most,
                                 limits.connections_per_client_max);
        })
        .and_then([&] {
            return section.count("websockets_per_client_max", 1, k_connections_most, limits.websockets_per_client_max);
        })
        .and_then([&] { return section.count("streams_max", 1, 1'000'000, limits.streams_max); });
}

Result<void> read_privacy(const Section& section, DaemonConfig& config) {
    static const std::array<std::string, 2> known = {"id_salt_file", "id_salt_credential"};
    if (auto done = section.only(known); !done) return done;
    auto source = read_secret_source(section, section.table(), "id_salt_file", "id_salt_credential");
    if (!source) return tl::unexpected(source.error());
    config.id_salt = std::move(*source);
    return {};
}

}  // namespace replayd::config
