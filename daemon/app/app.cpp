#include "daemon/app/app.hpp"

#include <atomic>
#include <thread>
#include <utility>

#include "daemon/access/guard.hpp"
#include "daemon/access/id_hasher.hpp"
#include "daemon/access/secret.hpp"
#include "daemon/api/live_hub.hpp"
#include "daemon/app/config_changes.hpp"
#include "daemon/app/config_checks.hpp"
#include "daemon/app/front_door.hpp"
#include "daemon/app/io_loop.hpp"
#include "daemon/app/retention.hpp"
#include "daemon/app/scenarios.hpp"
#include "daemon/app/status_line.hpp"
#include "daemon/config/log.hpp"
#include "daemon/config/version.hpp"
#include "daemon/metrics/exposition.hpp"
#include "daemon/nats/cluster.hpp"
#include "daemon/net/client.hpp"
#include "daemon/otlp/intake.hpp"
#include "daemon/stream/ingest_session.hpp"
#include "daemon/stream/stream_registry.hpp"
#include "daemon/stream/task_pool.hpp"
#include "storage/history.hpp"
#include "storage/query.hpp"

namespace replayd::app {
namespace {

/// Threads for commits and SQL; more do not help a two-core machine, fewer let one slow query hold up the page.
constexpr std::size_t k_task_threads = 4;
constexpr std::size_t k_task_queue_max = 256;
/// As often as a page can draw.
constexpr std::chrono::milliseconds k_live_tick{100};

std::size_t engine_threads(const config::DaemonConfig& config) {
    if (config.engine_threads > 0) return config.engine_threads;
    return std::max<std::size_t>(1, std::thread::hardware_concurrency());
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
    /// Whether a stream of the configuration is there already, and so is left as it is.
    [[nodiscard]] std::function<bool(const std::string&)> knows_stream() const {
        return [this](const std::string& name) { return registry->lookup(name) != nullptr; };
    }
    Result<void> open_spans();
    Result<void> listen(int listen_fd);
    [[nodiscard]] std::vector<VitalPart> vital_parts();
    Result<void> reload(const config::DaemonConfig& fresh);
    void tick();
    void stop();

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
    std::shared_ptr<access::Guard> guard;
    std::unique_ptr<access::IdHasher> hasher;  ///< null: ids are stored as they come
    IoLoop io;
    std::unique_ptr<Retention> retention;
    std::unique_ptr<FrontDoor> door;
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
    if (auto checked = check_streams(config, *library, knows_stream()); !checked) return checked;
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

Result<void> App::Parts::listen(int listen_fd) {
    door = std::make_unique<FrontDoor>(HouseParts{config, *history, engine, tasks, hub, *registry, *spans, *retention,
                                                  commits, cluster.get(), guard, hasher.get(), io});
    if (auto opened = door->open(listen_fd); !opened) return opened;
    registry->limit_streams(config.limits.streams_max);
    io.start(k_live_tick, [this] { tick(); });
    retention->start();
    return door->welcome();
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
    reachable.listen_address = door->server().address();
    if (auto guarded = config::check_config(reachable); !guarded) return guarded;
    config::DaemonConfig same_catalog = fresh;
    same_catalog.catalog_files = config.catalog_files;
    auto scenarios = load_scenarios(same_catalog);
    if (!scenarios) return tl::unexpected(scenarios.error());
    auto checked =
        check_folders(fresh).and_then([&] { return check_streams(fresh, **scenarios, knows_stream()); });
    if (!checked) return checked;

    for (const std::string& key : changes_that_need_a_restart(config, fresh)) {
        config::log(config::LogLevel::warn, "reload_needs_restart", {{"key", key}});
    }
    const auto changed = library->take_files_of(**scenarios);
    guard->replace(std::move(*policy));
    door->server().limit_connections_per_client(fresh.limits.connections_per_client_max);
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
            auto message = door->api().streams_message(only_stream);
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
    if (door) door->close();
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
    return parts_->door->server().port();
}

std::string App::address() const {
    return net::host_and_port(parts_->door->server().address(), parts_->door->server().port());
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
    if (auto checked = check_folders(config); !checked) return tl::unexpected(checked.error());
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
