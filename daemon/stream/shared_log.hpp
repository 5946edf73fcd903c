#pragma once
// A log of streams that several replayd processes share, as this process sees it. The arrivals of a shared stream go
// there before they are committed here, and what others published comes back as batches of `BatchSource::shared_log`.
// daemon/nats/ has the one over NATS JetStream; without one every stream belongs to its process alone.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "replay/base/error.hpp"
#include "storage/history.hpp"

namespace replayd::stream {

class Stream;

/// Who brought a batch.
enum class BatchSource { client, shared_log };

/// A scenario of a shared stream, with its text, since other processes may know the name by another one.
struct SharedScenario {
    std::string name;
    std::string toml;
};

/// What every process must know of a stream to take part in it; the first thing in its shared log.
struct Opening {
    std::string name;
    std::vector<SharedScenario> scenarios;
    double speed = 0;
    std::int64_t created_ms = 0;
    std::string traced_system;   ///< JSON; empty if unknown
    std::string engine_version;  ///< only processes of this version compute runs: hashes would differ
    std::string request_rows;    ///< a storage::RequestPolicy; empty: all
};

/// Any thread, where not said otherwise.
class SharedLog {
public:
    using Done = std::function<void(Result<void>)>;
    virtual ~SharedLog() = default;

    /// Begins the log of a stream, or finds the one that is there: then that one's opening is returned. Blocks. Errors:
    /// `unavailable`, `io`.
    [[nodiscard]] virtual Result<Opening> open(const Opening& wanted) = 0;
    /// What a stream of the history is to the shared log: `there` is its log; `other` is the log of another stream of
    /// that name, begun elsewhere. A stream from before sharing was switched on is `absent`.
    enum class Presence { absent, there, other };
    /// Blocks. Errors as `open`.
    [[nodiscard]] virtual Result<Presence> presence(const storage::StreamRow& stream) = 0;
    /// From now on brings what others publish to the stream. Once per stream.
    virtual void follow(const std::shared_ptr<Stream>& stream) = 0;
    /// Blocks until everything that is in the shared log is durable here, so that a client is told the right place to
    /// go on from. Error `unavailable` when that takes too long.
    [[nodiscard]] virtual Result<void> catch_up(Stream& stream) = 0;

    /// Stores a batch behind those before it. `done` is called in the order of the calls, on a thread of the log. While
    /// the log cannot be reached the batch waits. A batch that is there already, with the same content, is a success,
    /// so sending again is harmless; with another content (two clients fed the stream at once) the error is
    /// `already_exists`. `source` shared_log: it came from there; `done` is called in its turn.
    virtual void publish(const std::string& stream, std::shared_ptr<const storage::LoggedBatch> batch,
                         BatchSource source, Done done) = 0;
    /// The same for the end; `seq`: one more than the last batch's.
    virtual void publish_end(const std::string& stream, std::uint64_t seq, Done done) = 0;

    /// Why nothing can be published at the moment.
    [[nodiscard]] virtual std::optional<Error> trouble() const = 0;
};

}  // namespace replayd::stream
