#include "daemon/app/app.hpp"

#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <future>
#include <thread>
#include <utility>

#include "daemon/access/guard.hpp"
#include "daemon/access/id_hasher.hpp"
#include "daemon/access/secret.hpp"
#include "daemon/api/api.hpp"
#include "daemon/api/live_hub.hpp"
#include "daemon/app/config_changes.hpp"
#include "daemon/app/io_loop.hpp"
#include "daemon/app/retention.hpp"
#include "daemon/app/scenarios.hpp"
#include "daemon/app/status_line.hpp"
#include "daemon/config/log.hpp"
#include "daemon/config/version.hpp"
#include "daemon/metrics/exposition.hpp"
#include "daemon/metrics/vllm_exposition.hpp"
#include "daemon/nats/cluster.hpp"
#include "daemon/net/client.hpp"
#include "daemon/net/server.hpp"
#include "daemon/otlp/endpoint.hpp"
#include "daemon/protocol/messages.hpp"
#include "daemon/stream/ingest_session.hpp"
#include "daemon/stream/stream_registry.hpp"
#include "daemon/stream/task_pool.hpp"
#include "storage/history.hpp"
#include "storage/query.hpp"

namespace replayd::app {
namespace {

constexpr const char* k_live_path = "/live/v1";
/// Threads for commits and SQL; more do not help a two-core machine, fewer let one slow query hold up the page.
constexpr std::size_t k_task_threads = 4;
constexpr std::size_t k_task_queue_max = 256;
/// As often as a page can draw.
constexpr std::chrono::milliseconds k_live_tick{100};

std::size_t engine_threads(const config::DaemonConfig& config) {
    if (config.engine_threads > 0) return config.engine_threads;
    return std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

/// Appears whole or not at all, so that whoever polls for it reads a number.
Result<void> write_port_file(const std::string& path, std::uint16_t port) {
    const std::string partial = path + ".partial";
    std::ofstream file(partial);
    file << port << '\n';
    file.close();
    if (!file || std::rename(partial.c_str(), path.c_str()) != 0) {
        return fail(Code::io, "cannot write the port file " + path + ": " + std::strerror(errno));
    }
    return {};
}

}  // namespace

/// Declared in the order of the start; members after the history may refer to those before them.
struct App::Parts {
    explicit Parts(const config::DaemonConfig& wanted)
        : config(wanted), engine(engine_threads(wanted)), tasks(k_task_threads, k_task_queue_max) {}

    Result<void> guard_access();
    Result<void> open_history();
    Result<void> join_cluster();
    Result<void> start_streams();
    Result<void> open_spans();
    Result<void> listen(int listen_fd);
    [[nodiscard]] Result<void> end_stream(stream::Stream& stream);
    [[nodiscard]] Result<void> check_reach() const;
    [[nodiscard]] std::vector<VitalPart> vital_parts();
    Result<void> reload(const config::DaemonConfig& fresh);
    void tick();
    void stop();
    [[nodiscard]] metrics::ConnectionCounts connections() const;
    [[nodiscard]] std::map<std::string, net::WebSocketRoute> websockets();

    config::DaemonConfig config;  ///< changed by `reload` only, on the thread that owns the App
    metrics::CommitTimes commits;
    std::unique_ptr<stream::ScenarioLibrary> library;
    std::unique_ptr<storage::History> history;
    stream::EnginePool engine;
    stream::TaskPool tasks;
    api::LiveHub hub;
    std::unique_ptr<nats::Cluster> cluster;  ///< null: no stream is shared
    std::unique_ptr<stream::StreamRegistry> registry;
    std::unique_ptr<otlp::Intake> spans;
    std::unique_ptr<api::Api> api;
    std::shared_ptr<access::Guard> guard;
    std::unique_ptr<access::IdHasher> hasher;  ///< null: ids are stored as they come
    IoLoop io;
    std::unique_ptr<stream::IngestContext> ingest;
    std::unique_ptr<net::Server> server;
    std::unique_ptr<Retention> retention;
    std::atomic<bool> releasing{false};  ///< spans are being given to their streams
    bool stopped = false;
};

Result<void> App::Parts::guard_access() {
    auto policy = access::load_policy(config);
    if (!policy) return tl::unexpected(policy.error());
    guard = std::make_shared<access::Guard>(std::move(*policy));
    if (!config.id_salt) return {};
    auto salt = access::read_secret(*config.id_salt, "the salt of ids");
    if (!salt) return tl::unexpected(salt.error());
    auto created = access::IdHasher::create(*salt);
    if (!created) return tl::unexpected(created.error());
    hasher = std::move(*created);
    return {};
}

Result<void> App::Parts::open_history() {
    storage::HistoryOptions options;
    options.path = config.history_path;
    options.durability = config.durability;
    // A socket is read again for one more batch than it may have on the way.
    options.queue_batches_max = config.limits.connections_max * (stream::k_inflight_batches_max + 1);
    options.on_commit = [this](std::int64_t wall_ns) { commits.observe(wall_ns); };
    auto opened = storage::History::open(std::move(options));
    if (!opened) return tl::unexpected(opened.error());
    history = std::move(*opened);
    return {};
}

Result<void> App::Parts::join_cluster() {
    if (!config.nats) return {};
    auto opened = nats::Cluster::open(*config.nats);
    if (!opened) return tl::unexpected(opened.error());
    cluster = std::move(*opened);
    return {};
}

Result<void> App::Parts::start_streams() {
    stream::StreamContext context{*history, engine, tasks, hub, config.backlog_arrivals_max};
    context.shared = cluster.get();
    registry = std::make_unique<stream::StreamRegistry>(*library, context, std::string(config::k_version));
    auto reader = storage::Reader::open(config.history_path);
    if (!reader) return tl::unexpected(reader.error());
    if (auto recovered = registry->recover(**reader); !recovered) return recovered;
    if (cluster) {
        if (auto started = cluster->start(*registry, config.history_path); !started) return started;
    }
    for (const config::StreamConfig& wanted : config.streams) {
        auto stream = registry->find_or_create({wanted.name, wanted.scenarios, wanted.speed, {}, wanted.request_rows});
        if (!stream) return fail(stream.error().code, "stream of the configuration: " + stream.error().message);
    }
    retention = std::make_unique<Retention>(
        config.history_path, config.retention,
        Farewell{[this](const std::string& name) { return registry->retire(name); },
                 [this](const storage::StreamOver& stream) {
                     if (cluster) cluster->forget(stream.name, stream.created_ms);
                     registry->free_name(stream.name);
                 }});
    return {};
}

Result<void> App::Parts::open_spans() {
    otlp::IntakeOptions options;
    options.stream = config.otlp.stream;
    options.scenarios = config.otlp.scenarios;
    options.speed = config.otlp.speed;
    options.request_rows = config.otlp.request_rows;
    if (config.nats) options.node = config.nats->node;
    options.reorder = Duration(std::chrono::nanoseconds(config.otlp.reorder).count());
    if (hasher) options.conceal = [this](Arrival& arrival) { hasher->conceal(arrival); };
    auto opened = otlp::Intake::open(storage::span_spool_path(config.history_path), config.durability, *registry,
                                     std::move(options));
    if (!opened) return tl::unexpected(opened.error());
    spans = std::move(*opened);
    return {};
}

std::map<std::string, net::WebSocketRoute> App::Parts::websockets() {
    return {{access::k_ingest_path,
             {std::string(protocol::k_subprotocol),
              [this](const net::HttpRequest& upgrade) {
                  return guard->counted(upgrade, stream::make_ingest_session(*ingest));
              }}},
            {k_live_path, {std::string(api::k_live_subprotocol), [this](const net::HttpRequest& upgrade) {
                               return guard->counted(upgrade, hub.make_session(upgrade));
                           }}}};
}

metrics::ConnectionCounts App::Parts::connections() const {
    return {server->websocket_connections(access::k_ingest_path), server->websocket_connections(k_live_path),
            server->http_connections(), hub.waiting(), guard->refused_by_reason()};
}

Result<void> App::Parts::end_stream(stream::Stream& stream) {
    if (const auto refused = spans->end(stream)) return fail(Code::unavailable, refused->failure.message);
    return {};
}

Result<void> App::Parts::listen(int listen_fd) {
    const auto metrics_text = [this] {
        const RetentionCounts removed = retention->counts();
        const otlp::SpanCounts taken = spans->counts();
        return metrics::render({*registry, *history, engine, tasks, commits, [this] { return connections(); },
                                removed.streams, removed.rows, cluster ? std::optional(cluster->depth()) : std::nullopt,
                                otlp::by_outcome(taken), taken.waiting});
    };
    const auto vllm_text = [this](const std::string& stream, const std::string& scenario) {
        return metrics::render_vllm(*registry, {stream, scenario});
    };
    api = std::make_unique<api::Api>(api::ApiContext{
        *registry, tasks, *history, config.history_path, config.dashboard_dir, std::string(config::k_version),
        metrics_text, vllm_text, [this](const net::HttpRequest& request) { return otlp::answer(request, *spans); },
        [this](stream::Stream& stream) { return end_stream(stream); }, api::SearchFolders(config.search_dirs),
        [this](const std::string& stream) {
            return cluster ? cluster->runs_of(stream) : std::vector<stream::SharedRun>();
        }});
    ingest = std::make_unique<stream::IngestContext>(
        stream::IngestContext{*registry, tasks, [this](std::function<void()> call) { io.post(std::move(call)); }, {},
                              stream::OtherFeed{[this] { return spans->active() || cluster; },
                                                [this](stream::Stream& stream, const stream::ClientEnd& end) {
                                                    return spans->end(stream, end);
                                                }}});
    if (hasher) ingest->conceal = [this](Arrival& arrival) { hasher->conceal(arrival); };
    net::ServerOptions options;
    options.address = config.listen_address;
    options.port = config.listen_port;
    options.listen_fd = listen_fd;
    options.connections_max = config.limits.connections_max;
    options.connections_per_client_max = config.limits.connections_per_client_max;
    options.gate = guard;
    auto listening = net::Server::listen(
        io.context(), options,
        [this](net::HttpRequest&& request, std::function<void(net::HttpResponse &&)> respond) {
            api->handle(std::move(request), std::move(respond));
        },
        websockets());
    if (!listening) return tl::unexpected(listening.error());
    server = std::move(*listening);
    if (auto guarded = check_reach(); !guarded) return guarded;
    registry->limit_streams(config.limits.streams_max);
    io.start(k_live_tick, [this] { tick(); });
    retention->start();
    api->set_ready(true);
    if (config.port_file.empty()) return {};
    return write_port_file(config.port_file, server->port());
}

/// A socket that was passed may be bound elsewhere than the configuration says.
Result<void> App::Parts::check_reach() const {
    config::DaemonConfig actual = config;
    actual.listen_address = server->address();
    return config::check_config(actual);
}

std::vector<VitalPart> App::Parts::vital_parts() {
    const auto no_disk = [this] { return history->trouble().has_value(); };
    return {{"io loop", [this](std::function<void()> answer) { io.post(std::move(answer)); }, {}},
            {"writer", [this](std::function<void()> answer) { history->probe(std::move(answer)); }, {}},
            // While the disk takes nothing, slices wait for the writer to take their rows.
            {"engines", [this](std::function<void()> answer) { engine.probe(std::move(answer)); }, no_disk}};
}

Result<void> App::Parts::reload(const config::DaemonConfig& fresh) {
    auto policy = access::load_policy(fresh);
    if (!policy) return tl::unexpected(policy.error());
    config::DaemonConfig reachable = fresh;
    reachable.listen_address = server->address();
    if (auto guarded = config::check_config(reachable); !guarded) return guarded;
    config::DaemonConfig same_catalog = fresh;
    same_catalog.catalog_files = config.catalog_files;
    auto scenarios = load_scenarios(same_catalog);
    if (!scenarios) return tl::unexpected(scenarios.error());

    for (const std::string& key : changes_that_need_a_restart(config, fresh)) {
        config::log(config::LogLevel::warn, "reload_needs_restart", {{"key", key}});
    }
    const auto changed = library->take_files_of(**scenarios);
    guard->replace(std::move(*policy));
    server->limit_connections_per_client(fresh.limits.connections_per_client_max);
    registry->limit_streams(fresh.limits.streams_max);
    retention->set(fresh.retention);
    config::set_log_level(fresh.log_level);
    config.drain_max = fresh.drain_max;
    config::log(config::LogLevel::info, "reloaded",
                {{"tokens", static_cast<std::int64_t>(fresh.tokens.size())},
                 {"scenarios_changed", static_cast<std::int64_t>(changed.size())}});
    return {};
}

void App::Parts::tick() {
    // One at a time: it may have to wait for the disk.
    if (spans->active() && !releasing.exchange(true)) {
        tasks.submit([this] {
            spans->release();
            releasing.store(false);
        });
    }
    hub.tick(std::chrono::steady_clock::now(), [this](const std::string& only_stream,
                                                      std::function<void(const std::string&)> deliver) {
        tasks.submit([this, only_stream, deliver = std::move(deliver)] {
            auto message = api->streams_message(only_stream);
            if (!message) {
                config::log(config::LogLevel::warn, "live_streams_failed", {{"error", message.error().message}});
            }
            // An empty message tells the hub that none comes.
            io.post([deliver, text = message ? std::move(*message) : std::string()] { deliver(text); });
        });
    });
}

void App::Parts::stop() {
    if (std::exchange(stopped, true)) return;
    if (api) api->set_ready(false);
    if (server) {
        api->cancel_queries();
        std::promise<void> closed;
        server->stop([&closed] { closed.set_value(); });
        closed.get_future().wait();
    }
    if (retention) retention->stop();
    if (cluster) cluster->stop();
    tasks.stop();
    // A full disk must not hold up the end: rows that cannot be written are computed again after the next start.
    if (history && history->trouble()) history->refuse_rows();
    engine.stop();
    io.stop();
    // Its writer calls back into streams: it goes first.
    history.reset();
}

App::App(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
App::~App() {
    stop();
}

std::uint16_t App::port() const {
    return parts_->server->port();
}

std::string App::address() const {
    return net::host_and_port(parts_->server->address(), parts_->server->port());
}

std::string App::status() const {
    return status_line(address(), *parts_->registry, *parts_->history);
}

std::vector<VitalPart> App::vital_parts() {
    return parts_->vital_parts();
}

Result<void> App::reload(const config::DaemonConfig& fresh) {
    return parts_->reload(fresh);
}

std::chrono::seconds App::drain_max() const {
    return parts_->config.drain_max;
}

void App::stop() {
    parts_->stop();
}

Result<std::unique_ptr<App>> App::start(const config::DaemonConfig& config, int listen_fd) {
    auto parts = std::make_unique<Parts>(config);
    // From here on the destructor of App takes down whatever has been built, in order.
    std::unique_ptr<App> app(new App(std::move(parts)));
    auto library = load_scenarios(config);
    if (!library) return tl::unexpected(library.error());
    app->parts_->library = std::move(*library);
    Parts& built = *app->parts_;
    auto started =
        built.guard_access()
            .and_then([&built] { return built.open_history(); })
            .and_then([&built] { return built.join_cluster(); })
            .and_then([&built] { return built.start_streams(); })
            .and_then([&built] { return built.open_spans(); })
            .and_then([&built, listen_fd] { return built.listen(listen_fd); });
    if (!started) return tl::unexpected(started.error());
    return app;
}

}  // namespace replayd::app
