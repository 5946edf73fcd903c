#pragma once
// The ordered, durable log of one stream's arrivals. Batches are checked before they are logged, so nothing
// invalid is ever in the log; they are acknowledged after their commit; runs read them from memory while they
// are recent and from the history otherwise. Any thread.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daemon/protocol/messages.hpp"
#include "daemon/stream/batch_feed.hpp"
#include "daemon/stream/recent_batches.hpp"
#include "daemon/stream/refusal.hpp"
#include "daemon/stream/shared_log.hpp"
#include "replay/base/error.hpp"
#include "storage/history.hpp"

namespace replayd::stream {

/// Arrivals since the daemon started, by what became of them. Nothing disappears: `balanced` always holds.
struct ArrivalCounts {
    std::int64_t received = 0;  ///< in batches that reached the log
    std::int64_t stored = 0;    ///< durable
    std::int64_t rejected = 0;  ///< refused, or a commit failed and the client was told
    std::int64_t repeated = 0;  ///< in batches that were taken before
    std::int64_t inflight = 0;  ///< on their way to disk

    [[nodiscard]] bool balanced() const { return received == stored + rejected + repeated + inflight; }
};

struct LogStatus {
    LogTail durable;
    std::int64_t accepted_arrivals = 0;        ///< durable ones and those on their way to disk
    ArrivalCounts counts;
    std::int64_t acked_batches = 0;            ///< since the daemon started
    std::size_t inflight_bytes = 0;            ///< of batches on their way to disk
    std::size_t inflight_batches = 0;          ///< on their way to disk
    std::optional<VirtualTime> first_arrival;  ///< once durable; unknown for a log that was there at the start
    std::optional<Error> trouble;              ///< why the latest commit failed, until one succeeds
    std::uint64_t failures = 0;                ///< how often batches, or an end, had to be taken back
};

/// What a client was told, against which its batches are held.
struct Grant {
    std::int64_t arrivals = 0;   ///< that it may have sent in all
    std::uint64_t failures = 0;  ///< LogStatus::failures when it was welcomed
};

class ArrivalLog : public std::enable_shared_from_this<ArrivalLog> {
public:
    struct Events {
        std::function<void()> durable;    ///< something became durable, or the log got into trouble
        std::function<void()> end_ready;  ///< an end was accepted and every batch before it is durable
    };

    /// `name` is the stream's, for messages. `events` are called without locks, on any thread. `shared`: where batches
    /// go before they are committed here; null for a stream of this process alone.
    ArrivalLog(storage::History& history, std::int64_t stream_id, std::string name, LogTail tail, Events events,
               SharedLog* shared = nullptr);

    /// Takes the next batch on its way to disk, or a batch that it has already (then nothing happens). Refused as a
    /// whole: a gap, a batch after the end, arrivals before the watermark, more arrivals than granted. Call it from one
    /// thread at a time, so that batches reach the history in order. When a commit fails, that batch and those behind
    /// it are taken back: clients that were welcomed before are refused with `unavailable`, and so is everybody until
    /// the writer has answered for the last of them; then the log goes on behind its last durable batch.
    [[nodiscard]] std::optional<Refusal> accept(protocol::ArrivalBatch batch, const Grant& grant,
                                                BatchSource source = BatchSource::client);
    /// No batch follows; `seq` is checked like a batch's, `failures` as those of a grant. Without `seq`: after what was
    /// accepted so far.
    [[nodiscard]] std::optional<Refusal> accept_end(std::optional<std::uint64_t> seq,
                                                    std::optional<std::uint64_t> failures = std::nullopt);
    /// The end has become durable, or was taken back because of `trouble`.
    void end_committed(std::optional<Error> trouble);

    /// What a client hears that was welcomed at `failures` and whose batches were taken back since; nothing otherwise.
    [[nodiscard]] std::optional<Refusal> refusal_of_trouble(std::uint64_t failures) const;

    /// Durable batches from `seq` on: some of them, or none when `seq` is not durable yet. Error: the history
    /// cannot be read.
    [[nodiscard]] Result<std::vector<FeedBatch>> fetch(std::uint64_t seq) const;
    /// Durable batches from `seq` on as they were stored, one to `most` of them. Errors: `io` when there is none, and
    /// as `fetch`.
    [[nodiscard]] Result<std::vector<storage::LoggedBatch>> logged(std::uint64_t seq, std::size_t most) const;
    /// Durable arrivals of [from, to) in order, at most `most`. Errors: `too_large` beyond, and as `fetch`.
    [[nodiscard]] Result<std::vector<Arrival>> between(VirtualTime from, VirtualTime to, std::size_t most) const;
    /// Blocks until batch `seq` is durable, or something was taken back since `failures`, or `patience` is over;
    /// whether it is durable.
    [[nodiscard]] bool wait_durable(std::uint64_t seq, std::uint64_t failures,
                                    std::chrono::milliseconds patience) const;
    /// No run needs batches before `seq` any more.
    void release_before(std::uint64_t seq);

    [[nodiscard]] LogStatus status() const;

private:
    [[nodiscard]] std::optional<Refusal> check_trouble(std::uint64_t seq, std::uint64_t failures) const;
    void append(storage::LoggedBatch&& batch, BatchSource source, std::function<void(Result<void>)> done);
    void committed(FeedBatch batch, std::size_t bytes, const Result<void>& result);
    void settle(FeedBatch&& batch, std::size_t bytes, const Result<void>& result);
    void take_back(const Error& trouble);
    [[nodiscard]] Result<std::vector<FeedBatch>> fetch_logged(std::uint64_t seq, std::uint64_t last) const;
    [[nodiscard]] Result<std::uint64_t> first_batch_after(VirtualTime time) const;
    [[nodiscard]] bool end_is_ready() const;

    storage::History& history_;
    const std::int64_t stream_id_;
    const std::string name_;
    const Events events_;
    SharedLog* const shared_;

    mutable std::mutex mutex_;
    mutable std::condition_variable settled_;  ///< something became durable or was taken back
    LogStatus status_;
    LogTail accepted_;          ///< durable, or on its way to disk
    bool taking_back_ = false;  ///< a commit failed, and batches behind it are still on their way
    RecentBatches recent_;      ///< up to the last durable batch
};

}  // namespace replayd::stream
