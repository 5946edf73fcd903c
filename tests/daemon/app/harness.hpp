#pragma once
// A whole daemon in this process on a free port with a history in a temporary folder, and clients that wait for
// what the daemon says instead of for time to pass.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "daemon/app/app.hpp"
#include "daemon/net/client.hpp"
#include "daemon/protocol/messages.hpp"
#include "replay/trace/arrival.hpp"
#include "tests/linear_cluster.hpp"

namespace replayd::test {

/// Longer than any answer takes under a sanitizer on a busy machine; reached only by a failing test.
inline constexpr std::chrono::seconds k_patience{120};

/// Exact clusters: a step takes what its tokens cost. The second has its prefill and decode pools apart.
extern const char* const k_mixed_toml;
extern const char* const k_pd_toml;

/// Deterministic arrivals in bursts, with ties in time; the same for the same count.
[[nodiscard]] std::vector<Arrival> synthetic_arrivals(std::size_t count);

struct HttpAnswer {
    unsigned status = 0;
    boost::json::value body;

    [[nodiscard]] std::string text(const char* key) const { return std::string(body.at(key).as_string()); }
};

/// What a test asks a daemon over its socket.
class DaemonClient {
public:
    virtual ~DaemonClient() = default;
    [[nodiscard]] virtual net::Endpoint endpoint() const = 0;

    [[nodiscard]] HttpAnswer get(const std::string& target) const;
    [[nodiscard]] HttpAnswer post(const std::string& target, const std::string& body,
                                  const std::string& type = "application/json") const;
    [[nodiscard]] std::string get_text(const std::string& target) const;
    /// First column of the first row.
    [[nodiscard]] boost::json::value sql(const std::string& statement) const;
    /// Adds the two exact clusters.
    void add_scenarios() const;
    /// Follows the live websocket until the stream object satisfies `wanted`, and returns it.
    [[nodiscard]] boost::json::object wait_stream(const std::string& name,
                                                  const std::function<bool(const boost::json::object&)>& wanted) const;
    [[nodiscard]] boost::json::object wait_finished(const std::string& name) const;
};

/// Waits for both runs of a stream and checks their rows, ledgers and hashes against the engine alone.
void expect_complete(const DaemonClient& daemon, const std::string& stream, const std::vector<Arrival>& arrivals);

/// A daemon in this process, with a history in a temporary folder of its own.
class TestDaemon final : public DaemonClient {
public:
    /// `tweak` changes the configuration before the start.
    explicit TestDaemon(const std::function<void(config::DaemonConfig&)>& tweak = {});
    ~TestDaemon() override;

    /// Stops the daemon and starts another one on the same history.
    void restart();
    void stop() { app_.reset(); }
    [[nodiscard]] net::Endpoint endpoint() const override { return {"127.0.0.1", app_->port()}; }
    [[nodiscard]] const std::string& folder() const { return folder_; }
    [[nodiscard]] const config::DaemonConfig& config() const { return config_; }
    [[nodiscard]] app::App& app() { return *app_; }

private:
    std::string folder_;
    config::DaemonConfig config_;
    std::unique_ptr<app::App> app_;
};

/// A new, empty folder for one test.
[[nodiscard]] std::string make_folder();

/// A client on `/ingest/v1`.
class IngestClient {
public:
    IngestClient(const DaemonClient& daemon, bool binary);

    void send(const protocol::ClientMessage& message);
    void send_raw(const std::string& frame, bool binary);
    /// The next message; fails the test when none comes.
    [[nodiscard]] protocol::ServerMessage receive();
    [[nodiscard]] protocol::Welcome hello(const std::string& stream, std::vector<std::string> scenarios,
                                          double speed = 0);
    /// Receives acks until one covers `seq`.
    protocol::Ack wait_ack(std::uint64_t seq);
    /// Receives past acks to the failure, and the close code after it.
    [[nodiscard]] std::pair<protocol::Failure, std::uint16_t> wait_failure();
    /// Close code after which nothing more comes.
    [[nodiscard]] std::uint16_t wait_close();
    void close() { socket_->close(1000); }

private:
    std::unique_ptr<net::WebSocketClient> socket_;
    bool binary_;
};

/// Sends arrivals [from, to), fewer than the credit, in batches of `frame` from `seq` on. Returns the next seq.
std::uint64_t send_arrivals(IngestClient& client, const std::vector<Arrival>& arrivals, std::size_t from,
                            std::size_t to, std::size_t frame, std::uint64_t seq);

}  // namespace replayd::test
