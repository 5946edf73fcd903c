// How what waits in the spool comes into the logs of the streams.

#include <algorithm>
#include <limits>
#include <utility>

#include "daemon/config/log.hpp"
#include "daemon/net/quoted.hpp"
#include "daemon/otlp/intake.hpp"
#include "daemon/protocol/codec.hpp"

namespace replayd::otlp {
namespace {

/// Arrivals that go to the log in one batch.
constexpr std::int64_t k_batch_max = 1'000;
/// Virtual time that passes without arrivals before the stream is told of it.
constexpr Duration k_quiet{k_ns_per_s};

Result<protocol::ArrivalBatch> batch_of(const std::vector<storage::SpooledSpan>& spans) {
    protocol::ArrivalBatch batch;
    for (const storage::SpooledSpan& span : spans) {
        auto one = protocol::parse_log_batch(span.payload);
        if (!one) return tl::unexpected(one.error());
        std::move(one->arrivals.begin(), one->arrivals.end(), std::back_inserter(batch.arrivals));
    }
    return batch;
}

/// Of the batch that comes next.
std::uint64_t next_seq(const stream::LogStatus& log) {
    return log.durable.seq + log.inflight_batches + 1;
}

}  // namespace

/// Forgets spans whose arrivals are durable in the log; goes back to those whose batches were taken back.
Result<void> Intake::check_durable(stream::Stream& stream, Feed& feed) {
    if (stream.status().log.failures != feed.failures) {
        if (auto caught_up = catch_up(stream); !caught_up) return caught_up;
    }
    const stream::LogStatus log = stream.status().log;
    if (log.failures != feed.failures) {
        feed.failures = log.failures;
        feed.fed = log.durable.watermark;
        feed.ending = false;
    }
    if (!spool_ || log.durable.watermark <= feed.forgotten) return {};
    const auto removed = spool_->remove_before(stream.name(), log.durable.watermark);
    if (!removed) return tl::unexpected(removed.error());
    counts_.waiting -= *removed;
    feed.forgotten = log.durable.watermark;
    return {};
}

/// Everything earlier than this can wait no longer.
VirtualTime Intake::due(const Feed& feed) const {
    const bool silent = options_.now() - feed.heard >= std::chrono::nanoseconds(options_.reorder.value);
    return silent && feed.some_wait() ? feed.latest_start + Duration(1) : feed.latest_end - options_.reorder;
}

/// Waiting spans from where the log stands, at most `most`, but never only some of one instant; `to` becomes where they
/// end.
Result<std::vector<storage::SpooledSpan>> Intake::next_spans(const std::string& stream, const Feed& feed,
                                                             VirtualTime& to, std::int64_t most) {
    auto spans = spool_->between(stream, feed.fed, to, most + 1);
    if (!spans || static_cast<std::int64_t>(spans->size()) <= most) return spans;
    const VirtualTime cut = spans->back().at;
    std::erase_if(*spans, [cut](const storage::SpooledSpan& span) { return span.at == cut; });
    to = cut;
    if (!spans->empty()) return spans;
    to = cut + Duration(1);
    return spool_->between(stream, cut, to, std::numeric_limits<std::int64_t>::max());
}

/// One batch into the log; whether more may follow.
Result<bool> Intake::feed_some(stream::Stream& stream, Feed& feed, VirtualTime to) {
    const stream::StreamStatus status = stream.status();
    const std::int64_t credit = status.allowed_arrivals - status.log.accepted_arrivals;
    if (!spool_ || credit <= 0 || to <= feed.fed) return false;
    VirtualTime until = to;
    const auto spans = next_spans(stream.name(), feed, until, std::min(credit, k_batch_max));
    if (!spans) return tl::unexpected(spans.error());
    if (spans->empty() && until - feed.fed < k_quiet) return false;
    auto batch = batch_of(*spans);
    if (!batch) return tl::unexpected(batch.error());
    batch->seq = next_seq(status.log);
    batch->watermark = until;
    // Credit was looked at here; the log's own look would count what other senders were granted.
    const stream::Grant grant{std::numeric_limits<std::int64_t>::max(), feed.failures};
    if (const auto refused = stream.accept(std::move(*batch), grant)) {
        return fail(Code::unavailable, refused->failure.message);
    }
    feed.fed = until;
    return until < to;
}

/// As far as credit and disk allow; what is left goes the next time.
void Intake::feed_until(stream::Stream& stream, Feed& feed, VirtualTime to) {
    Result<bool> more = check_durable(stream, feed).map([] { return true; });
    while (more && *more) more = feed_some(stream, feed, to);
    if (more) return;
    config::log(config::LogLevel::warn, "spans_not_released",
                {{"stream", stream.name()}, {"error", more.error().message}});
}

void Intake::release() {
    const std::lock_guard lock(mutex_);
    for (auto& [name, feed] : feeds_) {
        // Nothing is due once the stream's end is on its way; but what went before it is to be forgotten.
        if (const auto stream = registry_.lookup(name)) feed_until(*stream, feed, feed.ending ? feed.fed : due(feed));
    }
}

std::optional<stream::Refusal> Intake::end(stream::Stream& stream, std::optional<stream::ClientEnd> client) {
    const std::lock_guard lock(mutex_);
    const auto source = span_source_of(stream.traced_system());
    if (source) {
        if (const auto ours = check_node(stream, source); !ours) {
            return stream::refusal_of(ours.error(), client ? client->seq : 0);
        }
    }
    const auto found = feeds_.find(stream.name());
    const std::optional<std::uint64_t> failures = client ? std::optional(client->failures) : std::nullopt;
    // A number that no batch can have had yet is refused as the gap that it is.
    const bool exact = client && (found == feeds_.end() || client->seq > next_seq(stream.status().log));
    if (exact) return stream.accept_end(client->seq, failures);
    if (found != feeds_.end() && found->second.some_wait()) {
        Feed& feed = found->second;
        feed_until(stream, feed, feed.latest_start + Duration(1));
        if (feed.some_wait()) {
            return stream::refusal_of(
                {Code::unavailable, "stream " + net::quoted(stream.name()) +
                                        " has spans that wait for its simulations: end it again in a moment"},
                client ? client->seq : 0);
        }
    }
    if (auto refused = stream.accept_end(std::nullopt, failures)) return refused;
    if (found != feeds_.end()) found->second.ending = true;
    return std::nullopt;
}

SpanCounts Intake::counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
}

}  // namespace replayd::otlp
