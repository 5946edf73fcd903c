#include "daemon/otlp/intake.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <utility>

#include "daemon/config/log.hpp"
#include "daemon/net/quoted.hpp"
#include "daemon/protocol/codec.hpp"
#include "daemon/protocol/validate.hpp"
#include "daemon/stream/clock.hpp"

namespace replayd::otlp {
namespace {

std::string seconds_text(Duration time) {
    return std::to_string(time.value / k_ns_per_s) + " s";
}

std::optional<std::int64_t> epoch_unix_ns(stream::Stream& stream) {
    const auto source = span_source_of(stream.traced_system());
    return source ? std::optional(source->epoch_unix_ns) : std::nullopt;
}

bool later(const Error& error) {
    return error.code == Code::unavailable || error.code == Code::io || error.code == Code::internal;
}

}  // namespace

struct Intake::Request {
    /// What happens to the feeds once the spans are stored.
    struct Change {
        VirtualTime latest_start;
        VirtualTime latest_end;
    };
    std::vector<storage::SpooledSpan> spans;
    std::map<std::string, Change> changes;
    SpanCounts counts;
    std::string first_reason;

    void reject(std::int64_t& count, std::int64_t spans_rejected, const std::string& reason) {
        count += spans_rejected;
        if (first_reason.empty()) first_reason = reason;
    }
    [[nodiscard]] Verdict verdict() const {
        const std::int64_t rejected = counts.late + counts.rejected;
        if (rejected == 0) return {};
        const std::string others = rejected > 1 ? "; " + std::to_string(rejected - 1) + " more were rejected" : "";
        return {rejected, first_reason + others};
    }
};

Result<std::unique_ptr<Intake>> Intake::open(const std::string& path, storage::Durability durability,
                                             stream::StreamRegistry& registry, IntakeOptions options) {
    std::unique_ptr<Intake> intake(new Intake(path, durability, registry, std::move(options)));
    if (!std::filesystem::exists(path)) return intake;
    if (auto opened = intake->open_spool(); !opened) return tl::unexpected(opened.error());
    if (auto recovered = intake->recover(); !recovered) return tl::unexpected(recovered.error());
    return intake;
}

Result<void> Intake::open_spool() {
    if (spool_) return {};
    auto spool = storage::SpanSpool::open(path_, durability_);
    if (!spool) return tl::unexpected(spool.error());
    spool_.emplace(std::move(*spool));
    return {};
}

/// Spans whose arrivals the log had before the stop are forgotten; the others go on waiting.
Result<void> Intake::recover() {
    const auto waiting = spool_->streams();
    if (!waiting) return tl::unexpected(waiting.error());
    for (const storage::SpooledStream& known : *waiting) {
        const auto found = recover_feed(known);
        if (!found) return tl::unexpected(found.error());
        if (*found) continue;
        config::log(config::LogLevel::warn, "spans_without_stream", {{"stream", known.stream}, {"spans", known.spans}});
        auto removed = spool_->remove_before(known.stream, VirtualTime(std::numeric_limits<std::int64_t>::max()));
        if (!removed) return tl::unexpected(removed.error());
    }
    return {};
}

/// False: there is no such stream of spans.
Result<bool> Intake::recover_feed(const storage::SpooledStream& known) {
    const auto stream = registry_.lookup(known.stream);
    const auto source = stream ? span_source_of(stream->traced_system()) : std::nullopt;
    if (!source) return false;
    if (auto caught_up = catch_up(*stream); !caught_up) return tl::unexpected(caught_up.error());
    const stream::LogStatus log = stream->status().log;
    Feed feed;
    feed.epoch_unix_ns = source->epoch_unix_ns;
    feed.fed = log.durable.watermark;
    feed.latest_start = known.latest;
    feed.failures = log.failures;
    feed.heard = options_.now();
    counts_.waiting += known.spans;
    if (auto checked = check_durable(*stream, feed); !checked) return tl::unexpected(checked.error());
    feeds_[known.stream] = feed;
    active_.store(true);
    return true;
}

/// What went into the shared log from here and was not committed here before a stop or a failure stands in the log
/// before anything that waits.
Result<void> Intake::catch_up(const stream::Stream& stream) const {
    if (!stream.shared()) return {};
    return registry_.find_or_create({stream.name(), {}, 0, {}, {}}).map([](const auto&) {});
}

/// Only one process may put spans of a stream in order.
Result<void> Intake::check_node(const stream::Stream& stream, const std::optional<SpanSource>& source) const {
    if (!stream.shared()) return {};
    const std::string name = "stream " + net::quoted(stream.name());
    if (!source) {
        return fail(Code::failed_state,
                    name +
                        " is shared and was not created by spans: expected a stream that spans create; choose "
                        "another name");
    }
    if (source->node == options_.node) return {};
    return fail(Code::unavailable, "spans of " + name + " go to node " + net::quoted(source->node) + ", and this is " +
                                       net::quoted(options_.node) + ": send them there");
}

/// The stream's feed; the stream is created when there is none.
Result<Intake::Feed*> Intake::feed_of(const std::string& name, const Wishes& wishes, std::int64_t earliest_unix_ns) {
    const auto known = feeds_.find(name);
    const auto there = registry_.lookup(name);
    // A stream of this name may have gone and come again.
    if (known != feeds_.end() && there && epoch_unix_ns(*there) == known->second.epoch_unix_ns) return &known->second;
    const std::int64_t wanted = std::max<std::int64_t>(0, earliest_unix_ns - options_.reorder.value);
    const auto& scenarios = wishes.scenarios.empty() ? options_.scenarios : wishes.scenarios;
    const auto stream = registry_.find_or_create(
        {name, scenarios, options_.speed, with_span_source("", {wanted, options_.node}), options_.request_rows});
    if (!stream) return tl::unexpected(stream.error());
    const std::string system = (*stream)->traced_system();
    auto source = span_source_of(system);
    if (auto ours = check_node(**stream, source); !ours) return tl::unexpected(ours.error());
    const stream::LogStatus log = (*stream)->status().log;
    if (!source && log.accepted_arrivals > 0) {
        return fail(Code::failed_state, "stream " + net::quoted(name) +
                                            " has arrivals that were no spans, on a clock of their own: "
                                            "expected a stream of spans; choose another name");
    }
    if (!source) {
        source = SpanSource{wanted, {}};
        if (auto set = (*stream)->set_traced_system(with_span_source(system, *source)); !set) {
            return tl::unexpected(set.error());
        }
    }
    Feed feed;
    feed.epoch_unix_ns = source->epoch_unix_ns;
    feed.fed = log.durable.watermark;
    feed.failures = log.failures;
    feed.heard = options_.now();
    active_.store(true);
    return &(feeds_[name] = feed);
}

/// Puts one arrival on the stream's clock, or rejects it.
Result<void> Intake::place(const std::string& name, Feed& feed, const Span& span, MappedSpan&& mapped,
                           Request& request) {
    const std::string who = "span " + span.span_id + " of stream " + net::quoted(name);
    Arrival& arrival = mapped.arrival;
    arrival.at = VirtualTime(arrival.at.ns - feed.epoch_unix_ns);
    const VirtualTime end(static_cast<std::int64_t>(span.end_ns) - feed.epoch_unix_ns);
    if (arrival.at < feed.fed || arrival.at.ns < 0) {
        request.reject(
            request.counts.late, 1,
            who + " is late, or was sent before: it began " +
                std::to_string((feed.fed - arrival.at).value / k_ns_per_ms) +
                " ms before the time that the stream has come to: expected spans that began within otlp.reorder_s, " +
                seconds_text(options_.reorder) + ", before the latest end");
        return {};
    }
    Arrival key;
    key.id = span.trace_id + span.span_id;
    if (options_.conceal) {
        options_.conceal(arrival);
        options_.conceal(key);
    }
    protocol::ArrivalBatch one;
    one.seq = 1;
    const VirtualTime at = arrival.at;
    one.arrivals.push_back(std::move(arrival));
    request.spans.push_back({name, std::move(key.id), at, protocol::serialize_log_batch(one)});
    Request::Change& change = request.changes[name];
    change.latest_start = std::max(change.latest_start, at);
    change.latest_end = std::max(change.latest_end, end);
    return {};
}

Result<void> Intake::map_group(const ResourceSpans& group, const Wishes& wishes, Request& request) {
    const std::int64_t wall_ns = stream::wall_ms() * k_ns_per_ms;
    std::vector<std::pair<const Span*, MappedSpan>> arrivals;
    for (const Span& span : group.spans) {
        MappedSpan mapped = map_span(span);
        // Checked before a stream is made: its epoch comes from its first span.
        if (mapped.kind == SpanKind::arrival &&
            static_cast<std::int64_t>(span.end_ns) - options_.reorder.value > wall_ns) {
            mapped.kind = SpanKind::invalid;
            mapped.reason = "it ends in the future: expected clocks that agree within otlp.reorder_s, " +
                            seconds_text(options_.reorder);
        }
        switch (mapped.kind) {
            case SpanKind::other: ++request.counts.other; break;
            case SpanKind::failed: ++request.counts.failed; break;
            case SpanKind::invalid:
                request.reject(request.counts.rejected, 1, "span " + span.span_id + ": " + mapped.reason);
                break;
            case SpanKind::arrival: arrivals.emplace_back(&span, std::move(mapped)); break;
        }
    }
    if (arrivals.empty()) return {};
    std::string name = !wishes.stream.empty() ? wishes.stream : options_.stream;
    if (name.empty()) name = service_name(group.resource);
    const auto count = static_cast<std::int64_t>(arrivals.size());
    if (const auto wrong = protocol::stream_name_violation(name)) {
        request.reject(request.counts.rejected, count,
                       "service.name, the name of the stream, " + *wrong +
                           "; or name it by the header x-replayd-stream or otlp.stream");
        return {};
    }
    std::int64_t earliest = std::numeric_limits<std::int64_t>::max();
    for (const auto& [span, mapped] : arrivals) earliest = std::min(earliest, mapped.arrival.at.ns);
    auto feed = feed_of(name, wishes, earliest);
    if (!feed && later(feed.error())) return tl::unexpected(feed.error());
    if (!feed) {
        request.reject(request.counts.rejected, count, feed.error().message);
        return {};
    }
    const auto stream = registry_.lookup(name);
    const stream::StreamStatus status = stream->status();
    if (!status.trouble.empty()) return fail(Code::unavailable, status.trouble);
    if (status.log.durable.ended || (*feed)->ending) {
        request.reject(request.counts.rejected, count,
                       "stream " + net::quoted(name) + " has ended: expected no span after its end");
        return {};
    }
    for (auto& [span, mapped] : arrivals) {
        if (auto placed = place(name, **feed, *span, std::move(mapped), request); !placed) return placed;
    }
    return {};
}

tl::expected<Verdict, Trouble> Intake::take(const std::vector<ResourceSpans>& groups, const Wishes& wishes) {
    const std::lock_guard lock(mutex_);
    Request request;
    if (counts_.waiting >= options_.waiting_max) {
        return tl::unexpected(Trouble{429, std::to_string(counts_.waiting) +
                                               " spans wait for the simulations: expected at most " +
                                               std::to_string(options_.waiting_max) + "; send again in a moment"});
    }
    for (const ResourceSpans& group : groups) {
        if (auto mapped = map_group(group, wishes, request); !mapped) {
            return tl::unexpected(Trouble{503, mapped.error().message});
        }
    }
    if (!request.spans.empty()) {
        const auto added = open_spool().and_then([&] { return spool_->add(request.spans); });
        if (!added) return tl::unexpected(Trouble{503, "the spans cannot be stored: " + added.error().message});
        request.counts.stored = *added;
        request.counts.repeated = static_cast<std::int64_t>(request.spans.size()) - *added;
    }
    counts_.stored += request.counts.stored;
    counts_.waiting += request.counts.stored;
    counts_.repeated += request.counts.repeated;
    counts_.other += request.counts.other;
    counts_.failed += request.counts.failed;
    counts_.late += request.counts.late;
    counts_.rejected += request.counts.rejected;
    for (const auto& [name, change] : request.changes) {
        Feed& feed = feeds_.at(name);
        feed.latest_start = std::max(feed.latest_start, change.latest_start);
        feed.latest_end = std::max(feed.latest_end, change.latest_end);
        feed.heard = options_.now();
    }
    return request.verdict();
}

std::vector<std::pair<std::string, std::int64_t>> by_outcome(const SpanCounts& counts) {
    return {{"stored", counts.stored}, {"repeated", counts.repeated}, {"other", counts.other},
            {"failed", counts.failed}, {"late", counts.late},         {"rejected", counts.rejected}};
}

}  // namespace replayd::otlp
