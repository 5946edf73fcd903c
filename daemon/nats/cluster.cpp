#include "daemon/nats/cluster.hpp"

#include <algorithm>
#include <utility>

#include "daemon/config/log.hpp"
#include "daemon/nats/lost_tail.hpp"
#include "daemon/net/quoted.hpp"
#include "daemon/stream/stream_registry.hpp"

namespace replayd::nats {
namespace {

/// A lease is renewed so often before it runs out.
constexpr int k_turns_per_lease = 4;
constexpr std::chrono::milliseconds k_turn_max{1000};
/// Longest wait of a hello for what is in the log.
constexpr std::chrono::seconds k_catch_up{30};
constexpr std::chrono::milliseconds k_catch_up_step{250};

}  // namespace

Result<std::unique_ptr<Cluster>> Cluster::open(const config::NatsConfig& config) {
    std::unique_ptr<Cluster> cluster(new Cluster(config));
    if (auto connected = cluster->connect(); !connected) return tl::unexpected(connected.error());
    return cluster;
}

Result<void> Cluster::connect() {
    auto connection = Connection::open(config_);
    if (!connection) return tl::unexpected(connection.error());
    connection_ = std::move(*connection);
    auto calls = new_logs();
    auto logs = new_logs();
    auto published = new_logs();
    if (!calls || !logs || !published) return tl::unexpected((!calls ? calls : !logs ? logs : published).error());
    calls_ = std::move(*calls);
    logs_ = std::move(*logs);
    const auto there = calls_->streams();
    if (!there) {
        return fail(there.error().code, there.error().message +
                                            "; expected nats-server with JetStream (nats-server -js) at "
                                            "nats.servers");
    }
    logs_at_start_.insert(there->begin(), there->end());
    publisher_ = std::make_unique<Publisher>(std::move(*published), connection_->payload_bytes_max());
    return {};
}

Cluster::~Cluster() {
    stop();
}

Result<void> Cluster::start(stream::StreamRegistry& registry, std::string history_path) {
    auto leases = Leases::open(*connection_, names_, {config_.node, config_.lease, config_.replicas});
    if (!leases) return tl::unexpected(leases.error());
    // From now on the others count this node in: it gets its share of the next stream.
    if (auto there = (*leases)->count_nodes(); !there) return tl::unexpected(there.error());
    registry_ = &registry;
    share_ = std::make_unique<Share>(std::move(*leases), lease_clock_, registry, config_.node, std::move(history_path));
    thread_ = std::thread([this] { run(); });
    return {};
}

void Cluster::stop() {
    std::map<std::string, std::unique_ptr<LogReader>> readers;
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(stopping_, true)) return;
        readers.swap(readers_);
    }
    woken_.notify_all();
    if (thread_.joinable()) thread_.join();
    readers.clear();
    if (publisher_) publisher_->stop();
}

void Cluster::forget(const std::string& stream, std::int64_t created_ms) {
    const std::lock_guard lock(mutex_);
    removed_.insert_or_assign(stream, created_ms);
}

std::vector<stream::SharedRun> Cluster::runs_of(const std::string& stream) const {
    std::vector<stream::SharedRun> out;
    const std::lock_guard lock(mutex_);
    const auto known = holders_.find(stream);
    if (known == holders_.end()) return out;
    for (const auto& [scenario, run] : known->second) out.push_back(run);
    return out;
}

/// Whoever takes part in a stream stores it with the time at which it was opened.
Result<stream::SharedLog::Presence> Cluster::presence(const storage::StreamRow& stream) {
    if (!logs_at_start_.contains(stream.name)) return Presence::absent;
    const std::lock_guard lock(calls_mutex_);
    const auto opening = calls_->opening(stream.name);
    if (!opening) return tl::unexpected(opening.error());
    return *opening && (*opening)->created_ms == stream.created_ms ? Presence::there : Presence::other;
}

Result<stream::Opening> Cluster::open(const stream::Opening& wanted) {
    const std::lock_guard lock(calls_mutex_);
    return calls_->begin(wanted);
}

void Cluster::follow(const std::shared_ptr<stream::Stream>& stream) {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    followed_.push_back(stream);
    if (!stream->status().log.durable.ended) {
        auto logs = new_logs();
        if (logs) {
            readers_.emplace(stream->name(),
                             std::make_unique<LogReader>(std::move(*logs), stream, config_.node, lease_clock_));
        }
    }
    woken_.notify_all();
}

Result<void> Cluster::catch_up(stream::Stream& stream) {
    if (stream.status().log.durable.ended) return {};
    std::uint64_t last = 0;
    {
        const std::lock_guard lock(calls_mutex_);
        const auto there = calls_->last(stream.name());
        if (!there) return tl::unexpected(there.error());
        last = *there;
    }
    const auto until = std::chrono::steady_clock::now() + k_catch_up;
    for (;;) {
        const stream::LogStatus log = stream.status().log;
        // The opening stands before the batches, the end behind them.
        if (log.durable.seq + 1 + (log.durable.ended ? 1 : 0) >= last) return {};
        if (std::chrono::steady_clock::now() >= until) {
            return fail(Code::unavailable, "stream " + net::quoted(stream.name()) + " is at batch " +
                                               std::to_string(log.durable.seq) + " of " + std::to_string(last - 1) +
                                               " in NATS: connect again in a moment");
        }
        static_cast<void>(stream.wait_durable(last - 1, log.failures, k_catch_up_step));
    }
}

void Cluster::publish(const std::string& stream, std::shared_ptr<const storage::LoggedBatch> batch,
                      stream::BatchSource source, Done done) {
    const std::uint64_t seq = batch->seq;
    publisher_->publish(stream, seq, std::move(batch), source == stream::BatchSource::shared_log, std::move(done));
}

void Cluster::publish_end(const std::string& stream, std::uint64_t seq, Done done) {
    publisher_->publish(stream, seq, nullptr, false, std::move(done));
}

void Cluster::run() {
    const auto period =
        std::min<std::chrono::milliseconds>(k_turn_max, std::chrono::milliseconds(config_.lease) / k_turns_per_lease);
    for (;;) {
        report(turn());
        end_readers();
        std::unique_lock lock(mutex_);
        holders_ = share_->holders();
        woken_.wait_for(lock, period, [this] { return stopping_ || (!troubled_ && !followed_.empty()); });
        if (stopping_) break;
    }
    share_->leave();
}

void Cluster::report(const Result<void>& done) {
    if (troubled_ == !done) return;
    troubled_ = !done;
    if (done) {
        config::log(config::LogLevel::info, "nats_back");
    } else {
        config::log(config::LogLevel::warn, "nats_trouble", {{"error", done.error().message}});
    }
}

Result<void> Cluster::turn() {
    return discover()
        .and_then([this] { return share_followed(); })
        .and_then([this] { return restore_lost_tails(); })
        .and_then([this] { return forget_removed(); })
        .and_then([this] { return share_->turn(); });
}

/// Nothing also for a log that begins with something else: a program of another kind or a later version wrote it, and
/// the streams beside it go on.
Result<std::optional<stream::Opening>> Cluster::readable_opening(const std::string& stream) {
    auto opening = logs_->opening(stream);
    if (opening) {
        unreadable_.erase(stream);
        return opening;
    }
    if (opening.error().code == Code::unavailable) return opening;
    if (unreadable_.insert(stream).second) {
        config::log(config::LogLevel::warn, "shared_log_unreadable",
                    {{"stream", stream}, {"error", opening.error().message}});
    }
    return std::optional<stream::Opening>();
}

/// Takes part in streams that other processes opened.
Result<void> Cluster::discover() {
    const auto names = logs_->streams();
    if (!names) return tl::unexpected(names.error());
    const std::set<std::string> there(names->begin(), names->end());
    std::erase_if(seen_, [&there](const std::string& name) { return !there.contains(name); });
    for (const std::string& name : there) {
        if (seen_.contains(name)) continue;
        if (registry_->lookup(name)) {
            seen_.insert(name);
            continue;
        }
        const auto opening = readable_opening(name);
        if (!opening) return tl::unexpected(opening.error());
        if (!*opening) continue;  // its opener is between two steps, or died there
        const auto over = share_->over(**opening);
        if (!over) return tl::unexpected(over.error());
        if (!*over) {
            const auto joined = registry_->join(**opening);
            if (!joined) {
                config::log(config::LogLevel::warn, "shared_stream_not_joined",
                            {{"stream", name}, {"error", joined.error().message}});
                continue;
            }
        }
        seen_.insert(name);
    }
    return {};
}

Result<void> Cluster::share_followed() {
    for (;;) {
        std::shared_ptr<stream::Stream> stream;
        {
            const std::lock_guard lock(mutex_);
            if (followed_.empty()) return {};
            stream = followed_.front();
        }
        const auto opening = readable_opening(stream->name());
        if (!opening) return tl::unexpected(opening.error());
        if (*opening) share_->add(stream, **opening);
        const std::lock_guard lock(mutex_);
        std::erase(followed_, stream);
    }
}

Result<void> Cluster::forget_removed() {
    for (;;) {
        std::pair<std::string, std::int64_t> stream;
        {
            const std::lock_guard lock(mutex_);
            if (removed_.empty()) return {};
            stream = *removed_.begin();
        }
        const auto opening = readable_opening(stream.first);
        if (!opening) return tl::unexpected(opening.error());
        if (*opening && (*opening)->created_ms == stream.second) {
            if (auto gone = logs_->remove(stream.first); !gone) return gone;
            share_->forget(**opening);
        }
        seen_.erase(stream.first);  // the name is free for what others share under it
        const std::lock_guard lock(mutex_);
        removed_.erase(stream.first);
    }
}

Result<void> Cluster::restore_lost_tails() {
    look_for_tails_ |= troubled_ || publisher_->met_lost_tail();
    if (!look_for_tails_) return {};
    for (const auto& stream : share_->open_streams()) {
        const auto restored = restore_lost_tail(*logs_, *stream);
        if (!restored) return tl::unexpected(restored.error());
        if (*restored == 0) continue;
        config::log(config::LogLevel::warn, "shared_log_restored",
                    {{"stream", stream->name()}, {"messages", static_cast<std::int64_t>(*restored)}});
    }
    look_for_tails_ = false;
    return {};
}

void Cluster::end_readers() {
    std::vector<std::unique_ptr<LogReader>> done;  // joined outside the lock
    const std::lock_guard lock(mutex_);
    for (auto at = readers_.begin(); at != readers_.end();) {
        if (at->second->done()) {
            done.push_back(std::move(at->second));
            at = readers_.erase(at);
        } else {
            ++at;
        }
    }
}

}  // namespace replayd::nats
