#include "daemon/app/config_changes.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace replayd::app {
namespace {

auto parts_of(const config::StreamConfig& stream) {
    return std::tie(stream.name, stream.scenarios, stream.speed, stream.request_rows);
}

bool same_streams(const std::vector<config::StreamConfig>& a, const std::vector<config::StreamConfig>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const auto& one, const auto& other) { return parts_of(one) == parts_of(other); });
}

auto parts_of(const config::Otlp& otlp) {
    return std::tie(otlp.stream, otlp.scenarios, otlp.speed, otlp.request_rows, otlp.reorder);
}

std::pair<std::string, std::string> parts_of(const std::optional<config::SecretSource>& source) {
    return source ? std::pair(source->file, source->credential) : std::pair<std::string, std::string>();
}

auto parts_of(const config::NatsConfig& nats) {
    return std::tie(nats.servers, nats.node, nats.prefix, nats.replicas, nats.lease, nats.ca_file, nats.cert_file,
                    nats.key_file, nats.credentials_file, nats.user, nats.password_file);
}

bool same_nats(const std::optional<config::NatsConfig>& a, const std::optional<config::NatsConfig>& b) {
    return a && b ? parts_of(*a) == parts_of(*b) : a.has_value() == b.has_value();
}

}  // namespace

std::vector<std::string> changes_that_need_a_restart(const config::DaemonConfig& running,
                                                     const config::DaemonConfig& fresh) {
    const std::vector<std::pair<const char*, bool>> same = {
        {"listen.address", running.listen_address == fresh.listen_address},
        {"listen.port", running.listen_port == fresh.listen_port},
        {"listen.port_file", running.port_file == fresh.port_file},
        {"history.path", running.history_path == fresh.history_path},
        {"history.durability", running.durability == fresh.durability},
        {"dashboard.dir", running.dashboard_dir == fresh.dashboard_dir},
        {"searches.dirs", running.search_dirs == fresh.search_dirs},
        {"catalog.files", running.catalog_files == fresh.catalog_files},
        {"engine.threads", running.engine_threads == fresh.engine_threads},
        {"ingest.backlog_arrivals_max", running.backlog_arrivals_max == fresh.backlog_arrivals_max},
        {"limits.connections_max", running.limits.connections_max == fresh.limits.connections_max},
        {"nats", same_nats(running.nats, fresh.nats)},
        {"privacy", parts_of(running.id_salt) == parts_of(fresh.id_salt)},
        {"otlp", parts_of(running.otlp) == parts_of(fresh.otlp)},
        {"stream", same_streams(running.streams, fresh.streams)}};
    std::vector<std::string> keys;
    for (const auto& [key, equal] : same) {
        if (!equal) keys.emplace_back(key);
    }
    return keys;
}

}  // namespace replayd::app
