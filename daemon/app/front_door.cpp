#include "daemon/app/front_door.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <future>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/config/version.hpp"
#include "daemon/metrics/vllm_exposition.hpp"
#include "daemon/otlp/endpoint.hpp"
#include "daemon/protocol/messages.hpp"

namespace replayd::app {
namespace {

constexpr const char* k_live_path = "/live/v1";

/// Appears whole or not at all, so that whoever polls for it reads a number.
Result<void> write_port_file(const std::string& path, std::uint16_t port) {
    const std::string partial = path + ".partial";
    std::ofstream file(partial);
    file << port << '\n';
    file.close();
    if (!file || std::rename(partial.c_str(), path.c_str()) != 0) {
        const Code code = errno == ENOENT ? Code::not_found : Code::io;
        return fail(code, "cannot write the port file " + path + ": " + std::strerror(errno));
    }
    return {};
}

}  // namespace

FrontDoor::FrontDoor(HouseParts parts) : parts_(std::move(parts)) {}

std::map<std::string, net::WebSocketRoute> FrontDoor::websockets() {
    return {{access::k_ingest_path,
             {std::string(protocol::k_subprotocol),
              [this](const net::HttpRequest& upgrade) {
                  return parts_.guard->counted(upgrade, stream::make_ingest_session(*ingest_));
              }}},
            {k_live_path, {std::string(api::k_live_subprotocol), [this](const net::HttpRequest& upgrade) {
                               return parts_.guard->counted(upgrade, parts_.hub.make_session(upgrade));
                           }}}};
}

metrics::ConnectionCounts FrontDoor::connections() const {
    return {server_->websocket_connections(access::k_ingest_path), server_->websocket_connections(k_live_path),
            server_->http_connections(), parts_.hub.waiting(), parts_.guard->refused_by_reason()};
}

Result<void> FrontDoor::end_stream(stream::Stream& stream) {
    if (const auto refused = parts_.spans.end(stream)) return fail(Code::unavailable, refused->failure.message);
    return {};
}

std::string FrontDoor::metrics_text() const {
    const RetentionCounts removed = parts_.retention.counts();
    const otlp::SpanCounts taken = parts_.spans.counts();
    return metrics::render({parts_.registry, parts_.history, parts_.engine, parts_.tasks, parts_.commits,
                            [this] { return connections(); }, removed.streams, removed.rows,
                            parts_.cluster ? std::optional(parts_.cluster->depth()) : std::nullopt,
                            otlp::by_outcome(taken), taken.waiting});
}

api::ApiContext FrontDoor::api_context() {
    const config::DaemonConfig& config = parts_.config;
    return {parts_.registry, parts_.tasks, parts_.history, config.history_path, config.dashboard_dir,
            std::string(config::k_version), [this] { return metrics_text(); },
            [this](const std::string& stream, const std::string& scenario) {
                return metrics::render_vllm(parts_.registry, {stream, scenario});
            },
            [this](const net::HttpRequest& request) { return otlp::answer(request, parts_.spans); },
            [this](stream::Stream& stream) { return end_stream(stream); }, api::SearchFolders(config.search_dirs),
            [this](const std::string& stream) {
                return parts_.cluster ? parts_.cluster->runs_of(stream) : std::vector<stream::SharedRun>();
            }};
}

stream::IngestContext FrontDoor::ingest_context() {
    stream::IngestContext ingest{parts_.registry, parts_.tasks,
                                 [this](std::function<void()> call) { parts_.io.post(std::move(call)); }, {},
                                 stream::OtherFeed{[this] { return parts_.spans.active() || parts_.cluster; },
                                                   [this](stream::Stream& stream, const stream::ClientEnd& end) {
                                                       return parts_.spans.end(stream, end);
                                                   }}};
    if (parts_.hasher) ingest.conceal = [this](Arrival& arrival) { parts_.hasher->conceal(arrival); };
    return ingest;
}

Result<void> FrontDoor::open(int listen_fd) {
    const config::DaemonConfig& config = parts_.config;
    api_ = std::make_unique<api::Api>(api_context());
    ingest_ = std::make_unique<stream::IngestContext>(ingest_context());
    net::ServerOptions options;
    options.address = config.listen_address;
    options.port = config.listen_port;
    options.listen_fd = listen_fd;
    options.connections_max = config.limits.connections_max;
    options.connections_per_client_max = config.limits.connections_per_client_max;
    options.gate = parts_.guard;
    auto listening = net::Server::listen(
        parts_.io.context(), options,
        [this](net::HttpRequest&& request, std::function<void(net::HttpResponse &&)> respond) {
            api_->handle(std::move(request), std::move(respond));
        },
        websockets());
    if (!listening) return tl::unexpected(listening.error());
    server_ = std::move(*listening);
    return check_reach();
}

/// A socket that was passed may be bound elsewhere than the configuration says.
Result<void> FrontDoor::check_reach() const {
    config::DaemonConfig actual = parts_.config;
    actual.listen_address = server_->address();
    return config::check_config(actual);
}

Result<void> FrontDoor::welcome() {
    api_->set_ready(true);
    if (parts_.config.port_file.empty()) return {};
    return write_port_file(parts_.config.port_file, server_->port());
}

void FrontDoor::close() {
    if (api_) api_->set_ready(false);
    if (!server_) return;
    api_->cancel_queries();
    std::promise<void> closed;
    server_->stop([&closed] { closed.set_value(); });
    closed.get_future().wait();
}

}  // namespace replayd::app
