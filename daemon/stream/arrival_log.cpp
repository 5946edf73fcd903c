#include "daemon/stream/arrival_log.hpp"

#include <algorithm>
#include <utility>

#include "daemon/net/quoted.hpp"
#include "daemon/protocol/codec.hpp"
#include "daemon/stream/logged_batches.hpp"
#include "replay/base/assert.hpp"

namespace replayd::stream {

ArrivalLog::ArrivalLog(storage::History& history, std::int64_t stream_id, std::string name, LogTail tail, Events events,
                       SharedLog* shared)
    : history_(history),
      stream_id_(stream_id),
      name_(std::move(name)),
      events_(std::move(events)),
      shared_(shared),
      accepted_(tail) {
    status_.durable = tail;
}

/// A client that sent batches which were taken back must ask again where to go on.
std::optional<Refusal> ArrivalLog::check_trouble(std::uint64_t seq, std::uint64_t failures) const {
    if (!taking_back_ && failures == status_.failures) return std::nullopt;
    const std::string reason = status_.trouble ? status_.trouble->message : "batches before this one were not stored";
    const Error error{Code::unavailable,
                      "stream " + net::quoted(name_) + " cannot be logged: " + reason +
                          "; what was acknowledged is safe: connect again later and go on from where the welcome says"};
    return refusal_of(error, seq);
}

std::optional<Refusal> ArrivalLog::accept(protocol::ArrivalBatch batch, const Grant& grant, BatchSource source) {
    storage::LoggedBatch logged;
    FeedBatch feed;
    std::size_t bytes = 0;
    std::unique_lock lock(mutex_);
    const auto arrivals = static_cast<std::int64_t>(batch.arrivals.size());
    status_.counts.received += arrivals;
    auto refused = check_trouble(batch.seq, grant.failures);
    if (!refused && batch.seq <= accepted_.seq) {
        status_.counts.repeated += arrivals;
        return std::nullopt;
    }
    if (!refused) refused = check_batch(batch, accepted_, grant.arrivals, name_);
    if (refused) {
        status_.counts.rejected += arrivals;
        return refused;
    }
    if (!batch.watermark) batch.watermark = batch.arrivals.back().at;
    logged.seq = batch.seq;
    logged.arrivals = arrivals;
    logged.watermark = *batch.watermark;
    logged.payload = protocol::serialize_log_batch(batch);
    accepted_.seq = batch.seq;
    accepted_.watermark = *batch.watermark;
    accepted_.arrivals += arrivals;
    status_.counts.inflight += arrivals;
    bytes = bytes_of(batch.arrivals);
    status_.inflight_bytes += bytes;
    ++status_.inflight_batches;
    feed = {batch.seq, std::make_shared<const std::vector<Arrival>>(std::move(batch.arrivals)), *batch.watermark};
    lock.unlock();  // a full queue calls back at once
    append(std::move(logged), source, [weak = weak_from_this(), feed = std::move(feed), bytes](Result<void> result) {
        if (const auto self = weak.lock()) self->committed(feed, bytes, result);
    });
    return std::nullopt;
}

/// To the shared log first, where there is one: what is acknowledged is in both.
void ArrivalLog::append(storage::LoggedBatch&& batch, BatchSource source, std::function<void(Result<void>)> done) {
    if (shared_ == nullptr) return history_.append_batch(stream_id_, std::move(batch), std::move(done));
    const auto kept = std::make_shared<const storage::LoggedBatch>(std::move(batch));
    shared_->publish(name_, kept, source,
                     [&history = history_, id = stream_id_, kept, done = std::move(done)](Result<void> published) {
                         if (!published) return done(std::move(published));
                         history.append_batch(id, *kept, done);
                     });
}

void ArrivalLog::committed(FeedBatch batch, std::size_t bytes, const Result<void>& result) {
    bool end_ready = false;
    {
        const std::lock_guard lock(mutex_);
        settle(std::move(batch), bytes, result);
        REPLAYD_ASSERT(status_.counts.balanced());
        end_ready = end_is_ready();
    }
    settled_.notify_all();
    if (end_ready) events_.end_ready();
    events_.durable();
}

bool ArrivalLog::wait_durable(std::uint64_t seq, std::uint64_t failures, std::chrono::milliseconds patience) const {
    std::unique_lock lock(mutex_);
    settled_.wait_for(lock, patience, [&] { return status_.durable.seq >= seq || status_.failures != failures; });
    return status_.durable.seq >= seq;
}

/// The writer has answered for a batch.
void ArrivalLog::settle(FeedBatch&& batch, std::size_t bytes, const Result<void>& result) {
    const auto arrivals = static_cast<std::int64_t>(batch.arrivals->size());
    status_.inflight_bytes -= bytes;
    --status_.inflight_batches;
    status_.counts.inflight -= arrivals;
    if (!result) {
        status_.counts.rejected += arrivals;
        take_back(result.error());
        return;
    }
    // The history takes a batch only behind the one before it: after a failure none can succeed.
    REPLAYD_ASSERT(!taking_back_ && batch.seq == status_.durable.seq + 1);
    LogTail& tail = status_.durable;
    if (tail.arrivals == 0 && arrivals > 0) status_.first_arrival = batch.arrivals->front().at;
    tail.seq = batch.seq;
    tail.arrivals += arrivals;
    tail.watermark = batch.watermark;
    status_.trouble.reset();
    status_.counts.stored += arrivals;
    ++status_.acked_batches;
    recent_.push(std::move(batch), bytes);
}

/// Nothing behind the last durable batch was stored: the client is told, and the log goes on from there once the writer
/// has answered for every batch.
void ArrivalLog::take_back(const Error& trouble) {
    if (!taking_back_) {
        taking_back_ = true;
        status_.trouble = trouble;
        ++status_.failures;
    }
    if (status_.inflight_batches > 0) return;
    taking_back_ = false;
    accepted_ = status_.durable;
}

bool ArrivalLog::end_is_ready() const {
    return accepted_.ended && !status_.durable.ended && !taking_back_ && status_.durable.seq == accepted_.seq;
}

std::optional<Refusal> ArrivalLog::accept_end(std::optional<std::uint64_t> seq,
                                              std::optional<std::uint64_t> failures) {
    bool ready = false;
    {
        const std::lock_guard lock(mutex_);
        const std::uint64_t number = seq.value_or(accepted_.seq + 1);
        if (auto refused = check_trouble(number, failures.value_or(status_.failures))) return refused;
        // The end has the number after the last batch; sending it again changes nothing.
        if (accepted_.ended && number == accepted_.seq + 1) return std::nullopt;
        if (auto refused = check_seq(number, "end", accepted_, name_)) return refused;
        accepted_.ended = true;
        ready = end_is_ready();
    }
    if (ready) events_.end_ready();
    return std::nullopt;
}

void ArrivalLog::end_committed(std::optional<Error> trouble) {
    {
        const std::lock_guard lock(mutex_);
        if (trouble) {
            take_back(*trouble);
        } else {
            status_.durable.ended = true;
            status_.trouble.reset();
        }
    }
    events_.durable();
}

Result<std::vector<FeedBatch>> ArrivalLog::fetch(std::uint64_t seq) const {
    std::uint64_t last_logged_only = 0;
    {
        const std::lock_guard lock(mutex_);
        if (seq > status_.durable.seq) return std::vector<FeedBatch>();
        const auto first = recent_.first();
        if (first && seq >= *first) return recent_.from(seq, k_fetch_batches_max);
        last_logged_only = first ? *first - 1 : status_.durable.seq;
    }
    return fetch_logged(seq, last_logged_only);
}

Result<std::vector<storage::LoggedBatch>> ArrivalLog::logged(std::uint64_t seq, std::size_t most) const {
    return history_.batches(stream_id_, seq, most).and_then([&](auto&& rows) {
        return contiguous_from(std::move(rows), seq, status().durable.seq, name_);
    });
}

Result<std::vector<FeedBatch>> ArrivalLog::fetch_logged(std::uint64_t seq, std::uint64_t last) const {
    return logged(seq, std::min<std::size_t>(k_fetch_batches_max, last - seq + 1)).and_then(decode_logged);
}

/// Number of the first durable batch whose watermark lies behind `time`, or the number behind the last one. Watermarks
/// never fall, so it is found by halving.
Result<std::uint64_t> ArrivalLog::first_batch_after(VirtualTime time) const {
    std::uint64_t low = 1;
    std::uint64_t high = status().durable.seq + 1;
    while (low < high) {
        const std::uint64_t middle = low + (high - low) / 2;
        const auto batches = fetch(middle);
        if (!batches) return tl::unexpected(batches.error());
        if (batches->front().watermark > time) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

Result<std::vector<Arrival>> ArrivalLog::between(VirtualTime from, VirtualTime to, std::size_t most) const {
    // A batch may hold arrivals at its watermark itself.
    auto seq = first_batch_after(from - Duration(1));
    if (!seq) return tl::unexpected(seq.error());
    std::vector<Arrival> arrivals;
    for (;;) {
        const auto batches = fetch(*seq);
        if (!batches) return tl::unexpected(batches.error());
        if (batches->empty()) return arrivals;
        for (const FeedBatch& batch : *batches) {
            for (const Arrival& arrival : *batch.arrivals) {
                if (arrival.at >= to) return arrivals;
                if (arrival.at < from) continue;
                if (arrivals.size() == most) {
                    return fail(Code::too_large, "stream " + net::quoted(name_) + " has more than " +
                                                     std::to_string(most) + " arrivals from " +
                                                     std::to_string(from.ns) + " ns to " + std::to_string(to.ns) +
                                                     " ns: expected a shorter sample");
                }
                arrivals.push_back(arrival);
            }
        }
        *seq += batches->size();
    }
}

void ArrivalLog::release_before(std::uint64_t seq) {
    std::vector<FeedBatch> released;  // freed outside the lock
    const std::lock_guard lock(mutex_);
    released = recent_.release_before(seq);
}

std::optional<Refusal> ArrivalLog::refusal_of_trouble(std::uint64_t failures) const {
    const std::lock_guard lock(mutex_);
    return check_trouble(0, failures);
}

LogStatus ArrivalLog::status() const {
    const std::lock_guard lock(mutex_);
    LogStatus status = status_;
    status.accepted_arrivals = accepted_.arrivals;
    return status;
}

}  // namespace replayd::stream
