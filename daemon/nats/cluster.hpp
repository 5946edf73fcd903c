#pragma once
// The shared log over NATS JetStream, put together: connection, publisher, a reader per stream that goes on, and the
// turn that finds streams which others opened and keeps this process's share of the runs.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "daemon/config/config.hpp"
#include "daemon/nats/connection.hpp"
#include "daemon/nats/lease_clock.hpp"
#include "daemon/nats/log_reader.hpp"
#include "daemon/nats/publisher.hpp"
#include "daemon/nats/share.hpp"
#include "daemon/stream/shared_log.hpp"

namespace replayd::nats {

class Cluster final : public stream::SharedLog {
public:
    /// Connects and makes the buckets. Errors name the key of [nats] that is to be mended.
    [[nodiscard]] static Result<std::unique_ptr<Cluster>> open(const config::NatsConfig& config);
    /// As `stop`.
    ~Cluster() override;

    /// Begins to take part, once the registry has recovered its streams. The registry outlives `stop`.
    [[nodiscard]] Result<void> start(stream::StreamRegistry& registry, std::string history_path);
    /// Gives the leases back, refuses what waits, joins the threads. A second call does nothing.
    void stop();
    /// The rows of a stream are gone here by [retention]: its log goes, too, but not that of another stream of its
    /// name. `created_ms`: as stored with the stream.
    void forget(const std::string& stream, std::int64_t created_ms);
    /// Batches that wait for NATS or are on their way.
    [[nodiscard]] std::size_t depth() const { return publisher_->depth(); }

    /// Who computes the runs of a stream, as of the latest turn; empty for a stream that is not shared. Any thread.
    [[nodiscard]] std::vector<stream::SharedRun> runs_of(const std::string& stream) const;

    // SharedLog.
    [[nodiscard]] Result<stream::Opening> open(const stream::Opening& wanted) override;
    [[nodiscard]] Result<Presence> presence(const storage::StreamRow& stream) override;
    void follow(const std::shared_ptr<stream::Stream>& stream) override;
    [[nodiscard]] Result<void> catch_up(stream::Stream& stream) override;
    void publish(const std::string& stream, std::shared_ptr<const storage::LoggedBatch> batch,
                 stream::BatchSource source, Done done) override;
    void publish_end(const std::string& stream, std::uint64_t seq, Done done) override;
    [[nodiscard]] std::optional<Error> trouble() const override { return connection_->trouble(); }

private:
    explicit Cluster(config::NatsConfig config) : config_(std::move(config)), names_(config_.prefix) {}
    [[nodiscard]] Result<void> connect();
    [[nodiscard]] Result<std::unique_ptr<StreamLogs>> new_logs() const {
        return StreamLogs::open(*connection_, names_, config_.replicas);
    }
    void run();
    [[nodiscard]] Result<void> turn();
    [[nodiscard]] Result<std::optional<stream::Opening>> readable_opening(const std::string& stream);
    [[nodiscard]] Result<void> discover();
    [[nodiscard]] Result<void> share_followed();
    [[nodiscard]] Result<void> forget_removed();
    [[nodiscard]] Result<void> restore_lost_tails();
    void end_readers();
    void report(const Result<void>& done);

    const config::NatsConfig config_;
    const Names names_;
    LeaseClock lease_clock_{config_.lease};
    std::unique_ptr<Connection> connection_;
    std::unique_ptr<Publisher> publisher_;
    std::set<std::string> logs_at_start_;
    std::mutex calls_mutex_;             ///< guards calls_
    std::unique_ptr<StreamLogs> calls_;  ///< for calls of tasks

    // Of the turning thread.
    stream::StreamRegistry* registry_ = nullptr;
    std::unique_ptr<StreamLogs> logs_;
    std::unique_ptr<Share> share_;
    std::set<std::string> seen_;  ///< logs of streams that are here, or that need nobody any more
    std::set<std::string> unreadable_;  ///< logs that are none of ours, as was said
    bool troubled_ = false;       ///< the latest turn failed
    bool look_for_tails_ = true;  ///< a server may have gone and come back since logs were last held against ours

    mutable std::mutex mutex_;
    Share::Holders holders_;  ///< of the latest turn
    std::condition_variable woken_;
    std::map<std::string, std::unique_ptr<LogReader>> readers_;
    std::vector<std::shared_ptr<stream::Stream>> followed_;  ///< not shared yet by the turning thread
    std::map<std::string, std::int64_t> removed_;            ///< when each was created
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace replayd::nats
