#include "daemon/stream/arrival_log.hpp"

#include <algorithm>
#include <utility>

#include "daemon/net/quoted.hpp"
#include "daemon/protocol/codec.hpp"
#include "daemon/protocol/codes.hpp"
#include "daemon/stream/logged_batches.hpp"
#include "replay/base/assert.hpp"

namespace replayd::stream {
namespace {

std::size_t bytes_of(const std::vector<Arrival>& arrivals) {
    std::size_t bytes = 0;
    for (const Arrival& arrival : arrivals) {
        bytes += sizeof(Arrival) + arrival.prefix_hashes.size() * sizeof(std::uint64_t) + arrival.id.size() +
                 arrival.conversation.size();
    }
    return bytes;
}

Refusal refuse(Code code, std::string message, std::uint64_t seq) {
    return refusal_of(Error{code, std::move(message)}, seq);
}

std::string ns(VirtualTime time) {
    return std::to_string(time.ns) + " ns";
}

}  // namespace

Refusal refusal_of(const Error& error, std::uint64_t seq) {
    return {protocol::failure_of(error, seq), protocol::facts(error.code).close_code};
}

ArrivalLog::ArrivalLog(storage::History& history, std::int64_t stream_id, std::string name, LogTail tail, Events events,
                       SharedLog* shared)
    : history_(history),
      stream_id_(stream_id),
      name_(std::move(name)),
      events_(std::move(events)),
      shared_(shared),
      accepted_seq_(tail.seq),
      accepted_watermark_(tail.watermark),
      ending_(tail.ended) {
    status_.durable = tail;
    status_.accepted_arrivals = tail.arrivals;
}

/// A client that sent batches which were taken back must ask again where to go on.
std::optional<Refusal> ArrivalLog::check_trouble(std::uint64_t seq, std::uint64_t failures) const {
    if (!taking_back_ && failures == status_.failures) return std::nullopt;
    const std::string reason = status_.trouble ? status_.trouble->message : "batches before this one were not stored";
    return refuse(Code::unavailable,
                  "stream " + net::quoted(name_) + " cannot be logged: " + reason +
                      "; what was acknowledged is safe: connect again later and go on from where the welcome says",
                  seq);
}

std::optional<Refusal> ArrivalLog::check_seq(std::uint64_t seq, const char* what) const {
    const std::string expected = std::to_string(accepted_seq_ + 1);
    if (ending_) {
        return refuse(Code::failed_state,
                      std::string(what) + " " + std::to_string(seq) + ": stream " + net::quoted(name_) +
                          " has ended: expected nothing after its end",
                      seq);
    }
    if (seq == accepted_seq_ + 1) return std::nullopt;
    return Refusal{{std::string(protocol::k_sequence_gap.name),
                    std::string(what) + ".seq is " + std::to_string(seq) + ": expected " + expected +
                        "; send again from batch " + expected,
                    seq},
                   protocol::k_sequence_gap.close_code};
}

std::optional<Refusal> ArrivalLog::check_times(const protocol::ArrivalBatch& batch) const {
    const auto& arrivals = batch.arrivals;
    const std::string name = "batch " + std::to_string(batch.seq) + ": ";
    // Times never decrease inside a batch (checked when it was decoded), so the late ones come first.
    const auto first_in_time = std::partition_point(
        arrivals.begin(), arrivals.end(), [this](const Arrival& arrival) { return arrival.at < accepted_watermark_; });
    if (first_in_time != arrivals.begin()) {
        return refuse(Code::invalid_argument,
                      name + std::to_string(first_in_time - arrivals.begin()) + " of " +
                          std::to_string(arrivals.size()) + " arrivals are earlier than the stream's watermark of " +
                          ns(accepted_watermark_) + ", the first is " + net::quoted(arrivals.front().id) + " at " +
                          ns(arrivals.front().at) + ": expected no arrival before the watermark; none was taken",
                      batch.seq);
    }
    if (batch.watermark && *batch.watermark < accepted_watermark_) {
        return refuse(Code::invalid_argument,
                      name + "watermark_ns is " + std::to_string(batch.watermark->ns) + ": expected " +
                          std::to_string(accepted_watermark_.ns) + " or more, the stream's watermark",
                      batch.seq);
    }
    const VirtualTime latest =
        std::max(batch.watermark.value_or(VirtualTime(0)), arrivals.empty() ? VirtualTime(0) : arrivals.back().at);
    if (latest > k_virtual_time_max) {
        return refuse(Code::invalid_argument,
                      name + "its latest time is " + ns(latest) + ": expected at most " + ns(k_virtual_time_max) +
                          " after the stream's epoch",
                      batch.seq);
    }
    return std::nullopt;
}

std::optional<Refusal> ArrivalLog::check(const protocol::ArrivalBatch& batch, std::int64_t granted) const {
    if (auto found = check_seq(batch.seq, "batch")) return found;
    if (auto found = check_times(batch)) return found;
    const std::int64_t total = status_.accepted_arrivals + static_cast<std::int64_t>(batch.arrivals.size());
    if (total <= granted) return std::nullopt;
    const std::int64_t left = std::max<std::int64_t>(0, granted - status_.accepted_arrivals);
    return Refusal{{std::string(protocol::k_over_credit.name),
                    "batch " + std::to_string(batch.seq) + " has " + std::to_string(batch.arrivals.size()) +
                        " arrivals: expected at most the " + std::to_string(left) +
                        " that are left of the credit; wait for an ack with more",
                    batch.seq},
                   protocol::k_over_credit.close_code};
}

std::optional<Refusal> ArrivalLog::accept(protocol::ArrivalBatch batch, const Grant& grant, BatchSource source) {
    storage::LoggedBatch logged;
    FeedBatch feed;
    std::size_t bytes = 0;
    std::unique_lock lock(mutex_);
    const auto arrivals = static_cast<std::int64_t>(batch.arrivals.size());
    status_.counts.received += arrivals;
    auto refused = check_trouble(batch.seq, grant.failures);
    if (!refused && batch.seq <= accepted_seq_) {
        status_.counts.repeated += arrivals;
        return std::nullopt;
    }
    if (!refused) refused = check(batch, grant.arrivals);
    if (refused) {
        status_.counts.rejected += arrivals;
        return refused;
    }
    if (!batch.watermark) batch.watermark = batch.arrivals.back().at;
    logged.seq = batch.seq;
    logged.arrivals = arrivals;
    logged.watermark = *batch.watermark;
    logged.payload = protocol::serialize_log_batch(batch);
    accepted_seq_ = batch.seq;
    accepted_watermark_ = *batch.watermark;
    status_.accepted_arrivals += arrivals;
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
    recent_.push_back({std::move(batch), bytes});
    recent_bytes_ += bytes;
    while (recent_bytes_ > k_recent_bytes_max && recent_.size() > 1) {
        recent_bytes_ -= recent_.front().bytes;
        recent_.pop_front();
    }
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
    ending_ = status_.durable.ended;
    accepted_seq_ = status_.durable.seq;
    accepted_watermark_ = status_.durable.watermark;
    status_.accepted_arrivals = status_.durable.arrivals;
}

bool ArrivalLog::end_is_ready() const {
    return ending_ && !status_.durable.ended && !taking_back_ && status_.durable.seq == accepted_seq_;
}

std::optional<Refusal> ArrivalLog::accept_end(std::optional<std::uint64_t> seq,
                                              std::optional<std::uint64_t> failures) {
    bool ready = false;
    {
        const std::lock_guard lock(mutex_);
        const std::uint64_t number = seq.value_or(accepted_seq_ + 1);
        if (auto refused = check_trouble(number, failures.value_or(status_.failures))) return refused;
        // The end has the number after the last batch; sending it again changes nothing.
        if (ending_ && number == accepted_seq_ + 1) return std::nullopt;
        if (auto refused = check_seq(number, "end")) return refused;
        ending_ = true;
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
        if (!recent_.empty() && seq >= recent_.front().batch.seq) {
            std::vector<FeedBatch> batches;
            for (std::size_t i = seq - recent_.front().batch.seq;
                 i < recent_.size() && batches.size() < k_fetch_batches_max; ++i) {
                batches.push_back(recent_[i].batch);
            }
            return batches;
        }
        last_logged_only = recent_.empty() ? status_.durable.seq : recent_.front().batch.seq - 1;
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

/// Number of the first durable batch whose watermark lies behind `time`, or the number behind the last one. Watermarks never
/// fall, so it is found by halving.
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
                    return fail(Code::too_large, "stream " + net::quoted(name_) + " has more than " + std::to_string(most) +
                                                     " arrivals from " + ns(from) + " to " + ns(to) + ": expected a shorter sample");
                }
                arrivals.push_back(arrival);
            }
        }
        *seq += batches->size();
    }
}

void ArrivalLog::release_before(std::uint64_t seq) {
    std::deque<Recent> released;  // freed outside the lock
    const std::lock_guard lock(mutex_);
    while (!recent_.empty() && recent_.front().batch.seq < seq) {
        recent_bytes_ -= recent_.front().bytes;
        released.push_back(std::move(recent_.front()));
        recent_.pop_front();
    }
}

std::optional<Refusal> ArrivalLog::refusal_of_trouble(std::uint64_t failures) const {
    const std::lock_guard lock(mutex_);
    return check_trouble(0, failures);
}

LogStatus ArrivalLog::status() const {
    const std::lock_guard lock(mutex_);
    return status_;
}

}  // namespace replayd::stream
