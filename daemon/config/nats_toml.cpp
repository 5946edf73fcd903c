#include "daemon/config/nats_toml.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace replayd::config {
namespace {

constexpr std::size_t k_name_characters_max = 64;
constexpr std::string_view k_plain_scheme = "nats://";
constexpr std::string_view k_tls_scheme = "tls://";

/// Names become parts of subjects and of durable names, in which NATS takes no dots, blanks or wildcards.
bool plain(std::string_view name) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    return !name.empty() && name.size() <= k_name_characters_max && std::all_of(name.begin(), name.end(), allowed);
}

Result<void> check_name(const Section& section, const char* key, const std::string& name) {
    if (plain(name)) return {};
    const toml::node* at = section.table().get(key);
    const toml::node& named = at == nullptr ? section.table() : *at;
    return section.refuse(named, std::string(key) + " is \"" + name +
                                     "\": expected 1 to 64 characters of A-Z a-z 0-9 _ -" +
                                     (name.empty() ? ", a name that no other replayd has" : ""));
}

/// "host:port" of a server's address, without scheme; empty for none.
std::string_view authority_of(std::string_view server) {
    for (const std::string_view scheme : {k_plain_scheme, k_tls_scheme}) {
        if (server.starts_with(scheme)) return server.substr(scheme.size());
    }
    return {};
}

Result<void> check_servers(const Section& section, const NatsConfig& nats) {
    if (nats.servers.empty()) {
        return section.refuse(section.table(),
                              "servers is missing: expected the addresses of one or more NATS servers, "
                              "such as [\"nats://127.0.0.1:4222\"]");
    }
    for (const std::string& server : nats.servers) {
        const std::string_view authority = authority_of(server);
        if (!authority.empty() && authority.find_first_of("/@ ") == std::string_view::npos) continue;
        return section.refuse(*section.table().get("servers"),
                              "servers holds \"" + server + "\": expected nats://HOST:PORT or tls://HOST:PORT without "
                                                            "user and path");
    }
    return {};
}

/// A key that is of no use without another.
Result<void> check_pair(const Section& section, const std::string& a, const std::string& value_a, const std::string& b,
                        const std::string& value_b) {
    if (value_a.empty() == value_b.empty()) return {};
    const std::string& given = value_a.empty() ? b : a;
    return section.refuse(*section.table().get(given),
                          given + " is given and " + (value_a.empty() ? a : b) + " is not: expected both or neither");
}

bool stays_here(std::string_view server) {
    const std::string_view authority = authority_of(server);
    return loopback(authority.substr(0, authority.rfind(':')));
}

/// A password would travel in the clear.
Result<void> check_password(const Section& section, const NatsConfig& nats) {
    if (nats.user.empty() || !nats.ca_file.empty()) return {};
    for (const std::string& server : nats.servers) {
        if (server.starts_with(k_tls_scheme) || stays_here(server)) continue;
        return section.refuse(*section.table().get("user"),
                              "user is given and " + server + " is reached without TLS: expected tls:// in servers, or "
                                                              "ca_file, so that nobody on the way reads the password");
    }
    return {};
}

}  // namespace

Result<void> read_nats(const Section& section, DaemonConfig& config) {
    static const std::array<std::string, 11> known = {"servers",          "node",    "prefix",       "replicas",
                                                      "lease_s",          "ca_file", "cert_file",    "key_file",
                                                      "credentials_file", "user",    "password_file"};
    constexpr std::int64_t k_replicas_most = 5;  // JetStream's own limit
    NatsConfig nats;
    std::int64_t lease_s = nats.lease.count();
    auto read =
        section.only(known)
            .and_then([&] { return section.texts("servers", nats.servers); })
            .and_then([&] { return section.text("node", nats.node); })
            .and_then([&] { return section.text("prefix", nats.prefix); })
            .and_then([&] { return section.integer("replicas", 1, k_replicas_most, nats.replicas); })
            .and_then([&] { return section.integer("lease_s", 2, 3600, lease_s); })
            .and_then([&] { return section.text("ca_file", nats.ca_file); })
            .and_then([&] { return section.text("cert_file", nats.cert_file); })
            .and_then([&] { return section.text("key_file", nats.key_file); })
            .and_then([&] { return section.text("credentials_file", nats.credentials_file); })
            .and_then([&] { return section.text("user", nats.user); })
            .and_then([&] { return section.text("password_file", nats.password_file); })
            .and_then([&] { return check_servers(section, nats); })
            .and_then([&] { return check_name(section, "node", nats.node); })
            .and_then([&] { return check_name(section, "prefix", nats.prefix); })
            .and_then([&] { return check_pair(section, "cert_file", nats.cert_file, "key_file", nats.key_file); })
            .and_then([&] { return check_pair(section, "user", nats.user, "password_file", nats.password_file); })
            .and_then([&] { return check_password(section, nats); });
    if (!read) return read;
    nats.lease = std::chrono::seconds(lease_s);
    config.nats = std::move(nats);
    return {};
}

}  // namespace replayd::config
