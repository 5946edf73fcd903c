#pragma once
// Brings what is in a stream's log, whoever published it, to the stream of this process: a durable pull consumer in
// JetStream, named after the node, whose messages are acknowledged after their commit here. A message that comes again
// (the process died between commit and acknowledgement) is known by its number and acknowledged again. After a refusal
// (full disk, a batch that another client's overtook) the consumer starts again behind the last durable batch. After an
// outage as long as a lease nothing is handed on before the leases have been asked for.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "daemon/nats/lease_clock.hpp"
#include "daemon/nats/stream_logs.hpp"
#include "daemon/stream/stream.hpp"

namespace replayd::nats {

class LogReader {
public:
    /// `node`: this process's name. `leases` outlives this.
    LogReader(std::unique_ptr<StreamLogs> logs, std::shared_ptr<stream::Stream> stream, std::string node,
              const LeaseClock& leases);
    /// As `stop`.
    ~LogReader();
    LogReader(const LogReader&) = delete;
    LogReader& operator=(const LogReader&) = delete;

    [[nodiscard]] const std::shared_ptr<stream::Stream>& stream() const { return stream_; }
    /// The end of the stream is durable here: nothing follows.
    [[nodiscard]] bool done() const { return done_.load(); }
    /// Within half a second, or an answer of the server.
    void stop();

private:
    struct Consumer;
    void run();
    [[nodiscard]] std::unique_ptr<Consumer> consume();
    [[nodiscard]] bool take_some(Consumer& consumer);
    [[nodiscard]] bool take(std::uint64_t sequence, std::string_view payload, std::uint64_t failures);
    [[nodiscard]] bool ended() const { return stream_->status().log.durable.ended; }
    [[nodiscard]] bool wait_for_leases() const;
    void pause() const;

    const std::unique_ptr<StreamLogs> logs_;
    const std::shared_ptr<stream::Stream> stream_;
    const std::string node_;
    const LeaseClock& leases_;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> done_{false};
    std::thread thread_;
};

}  // namespace replayd::nats
