#pragma once
// What clients reach of the daemon: HTTP routes, the page, the websockets of ingest and of the live page, behind one
// gate.

#include <map>
#include <memory>
#include <string>

#include "daemon/access/guard.hpp"
#include "daemon/access/id_hasher.hpp"
#include "daemon/api/api.hpp"
#include "daemon/api/live_hub.hpp"
#include "daemon/app/io_loop.hpp"
#include "daemon/app/retention.hpp"
#include "daemon/config/config.hpp"
#include "daemon/metrics/exposition.hpp"
#include "daemon/nats/cluster.hpp"
#include "daemon/net/server.hpp"
#include "daemon/otlp/intake.hpp"
#include "daemon/stream/ingest_session.hpp"
#include "daemon/stream/stream_registry.hpp"
#include "daemon/stream/task_pool.hpp"
#include "storage/history.hpp"

namespace replayd::app {

/// What stands behind the door, and outlives it.
struct HouseParts {
    const config::DaemonConfig& config;
    storage::History& history;
    stream::EnginePool& engine;
    stream::TaskPool& tasks;
    api::LiveHub& hub;
    stream::StreamRegistry& registry;
    otlp::Intake& spans;
    const Retention& retention;
    const metrics::CommitTimes& commits;
    nats::Cluster* cluster;  ///< null: no stream is shared
    std::shared_ptr<access::Guard> guard;
    access::IdHasher* hasher;  ///< null: ids are stored as they come
    IoLoop& io;
};

class FrontDoor {
public:
    explicit FrontDoor(HouseParts parts);

    /// Listens, on an already listening socket where `listen_fd` >= 0; answers once the io loop runs. Errors: the
    /// address is in use, or can be reached from where the configuration does not allow it.
    [[nodiscard]] Result<void> open(int listen_fd);
    /// From now on /readyz says 200, and the port file is there. Error `io`: it cannot be written.
    [[nodiscard]] Result<void> welcome();
    /// /readyz says 503, queries are cut off, connections are closed with 1001. Blocks until they are.
    void close();

    /// Precondition of both: `open` has succeeded.
    [[nodiscard]] net::Server& server() { return *server_; }
    [[nodiscard]] api::Api& api() { return *api_; }

private:
    [[nodiscard]] api::ApiContext api_context();
    [[nodiscard]] stream::IngestContext ingest_context();
    [[nodiscard]] std::map<std::string, net::WebSocketRoute> websockets();
    [[nodiscard]] metrics::ConnectionCounts connections() const;
    [[nodiscard]] std::string metrics_text() const;
    [[nodiscard]] Result<void> end_stream(stream::Stream& stream);
    [[nodiscard]] Result<void> check_reach() const;

    const HouseParts parts_;
    std::unique_ptr<api::Api> api_;
    std::unique_ptr<stream::IngestContext> ingest_;
    std::unique_ptr<net::Server> server_;
};

}  // namespace replayd::app
