#pragma once
// Spans become arrivals of streams. They come in the order in which requests ended; a stream takes arrivals in the
// order in which they began. So they wait, durable, in a spool until no earlier one is expected: until a span has ended
// `reorder` later, or none has come for so long. Blocks on commits: for the task pool, any of its threads.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daemon/otlp/epoch.hpp"
#include "daemon/otlp/mapping.hpp"
#include "daemon/otlp/span.hpp"
#include "daemon/stream/ingest_session.hpp"
#include "daemon/stream/stream_registry.hpp"
#include "storage/span_spool.hpp"

namespace replayd::otlp {

struct IntakeOptions {
    std::string stream;                  ///< empty: each service its own, named by service.name
    std::vector<std::string> scenarios;  ///< of streams that are created
    double speed = 0;                    ///< likewise
    std::string request_rows;            ///< likewise; a storage::RequestPolicy; empty: all
    std::string node;                    ///< of this process among those that share streams; empty: none is shared
    Duration reorder{60 * k_ns_per_s};   ///< a span that began so long before the latest end is late
    std::int64_t waiting_max = 1'000'000;  ///< spans in the spool, beyond which senders have to wait
    std::function<void(Arrival&)> conceal;  ///< as IngestContext::conceal
    /// The clock that tells when none has come for long.
    std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
};

/// What the sender of one request asked for; empty: as the options say.
struct Wishes {
    std::string stream;
    std::vector<std::string> scenarios;
};

/// Spans since the start, by what became of them.
struct SpanCounts {
    std::int64_t stored = 0;    ///< arrivals
    std::int64_t repeated = 0;  ///< sent again while they waited
    std::int64_t other = 0;     ///< no requests to a language model
    std::int64_t failed = 0;    ///< requests that made nothing in production
    std::int64_t late = 0;      ///< rejected: the stream has gone on
    std::int64_t rejected = 0;  ///< for any other reason
    std::int64_t waiting = 0;   ///< in the spool now
};

/// The counts but `waiting`, by the names of daemon/metrics.md.
[[nodiscard]] std::vector<std::pair<std::string, std::int64_t>> by_outcome(const SpanCounts& counts);

/// Nothing of the request was taken; it should be sent again, or not.
struct Trouble {
    unsigned status = 503;   ///< of HTTP: 429 or 503
    std::string message;
};

class Intake {
public:
    /// Opens the spool `path` if there is one; the first span makes it. Error: as SpanSpool::open.
    [[nodiscard]] static Result<std::unique_ptr<Intake>> open(const std::string& path, storage::Durability durability,
                                                              stream::StreamRegistry& registry, IntakeOptions options);

    /// Takes the spans of one request: when it returns, they are durable or told as rejected.
    [[nodiscard]] tl::expected<Verdict, Trouble> take(const std::vector<ResourceSpans>& groups, const Wishes& wishes);
    /// Whether spans have come, or waited at the start: `release` has something to do. Any thread, at once.
    [[nodiscard]] bool active() const { return active_.load(); }
    /// Gives the streams what can wait no longer. Now and then.
    void release();
    /// Gives the stream all that waits for it, and ends it: no arrival follows. `client`: a client of the stream sent
    /// the end; what came from spans since its welcome stands before it, whatever number it gave the end. Refusals:
    /// `unavailable` when the stream cannot take all now, or when its spans are in another process's spool; those of
    /// ArrivalLog::accept_end.
    [[nodiscard]] std::optional<stream::Refusal> end(stream::Stream& stream,
                                                     std::optional<stream::ClientEnd> client = {});
    [[nodiscard]] SpanCounts counts() const;

private:
    using Clock = std::chrono::steady_clock;
    /// Where one stream stands.
    struct Feed {
        std::int64_t epoch_unix_ns = 0;
        VirtualTime fed;          ///< everything earlier is in the stream's log, or on its way
        VirtualTime forgotten;     ///< everything earlier has left the spool
        VirtualTime latest_start;  ///< of those that came; some wait while it is not before `fed`
        VirtualTime latest_end;
        std::uint64_t failures = 0;  ///< of the log, when `fed` was right
        bool ending = false;         ///< the stream's end is in its log, or on its way
        Clock::time_point heard;     ///< when the last span came

        [[nodiscard]] bool some_wait() const { return latest_start >= fed && latest_start.ns > 0; }
    };
    /// The arrivals of one request, before they are stored.
    struct Request;

    Intake(std::string path, storage::Durability durability, stream::StreamRegistry& registry, IntakeOptions options)
        : path_(std::move(path)), durability_(durability), registry_(registry), options_(std::move(options)) {}
    [[nodiscard]] Result<void> open_spool();
    [[nodiscard]] Result<void> recover();
    [[nodiscard]] Result<bool> recover_feed(const storage::SpooledStream& known);
    [[nodiscard]] Result<void> check_node(const stream::Stream& stream, const std::optional<SpanSource>& source) const;
    [[nodiscard]] Result<void> catch_up(const stream::Stream& stream) const;
    [[nodiscard]] Result<void> map_group(const ResourceSpans& group, const Wishes& wishes, Request& request);
    [[nodiscard]] Result<Feed*> feed_of(const std::string& name, const Wishes& wishes, std::int64_t earliest_unix_ns);
    [[nodiscard]] Result<void> place(const std::string& name, Feed& feed, const Span& span, MappedSpan&& mapped,
                                     Request& request);
    [[nodiscard]] VirtualTime due(const Feed& feed) const;
    void feed_until(stream::Stream& stream, Feed& feed, VirtualTime to);
    [[nodiscard]] Result<bool> feed_some(stream::Stream& stream, Feed& feed, VirtualTime to);
    [[nodiscard]] Result<std::vector<storage::SpooledSpan>> next_spans(const std::string& stream, const Feed& feed,
                                                                       VirtualTime& to, std::int64_t most);
    [[nodiscard]] Result<void> check_durable(stream::Stream& stream, Feed& feed);

    mutable std::mutex mutex_;  ///< held while spans are stored: requests come one after another
    const std::string path_;
    const storage::Durability durability_;
    std::optional<storage::SpanSpool> spool_;  ///< none until there are spans
    stream::StreamRegistry& registry_;
    const IntakeOptions options_;
    std::map<std::string, Feed> feeds_;
    SpanCounts counts_;
    std::atomic<bool> active_{false};
};

}  // namespace replayd::otlp
