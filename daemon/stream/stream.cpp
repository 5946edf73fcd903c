#include "daemon/stream/stream.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "daemon/config/log.hpp"

namespace replayd::stream {

std::string_view to_string(StreamState state) {
    switch (state) {
        case StreamState::running:
            return "running";
        case StreamState::paused:
            return "paused";
        case StreamState::ended:
            return "ended";
        case StreamState::finished:
            return "finished";
    }
    return "running";
}

std::optional<std::string> speed_violation(double speed) {
    if (std::isfinite(speed) && speed >= 0) return std::nullopt;
    return "speed is " + std::to_string(speed) + ": expected 0 (as fast as possible) or a positive factor of real time";
}

Stream::Stream(storage::StreamRow row, LogTail tail, const StreamContext& context, bool shared)
    : context_(context),
      id_(row.id),
      name_(row.name),
      created_ms_(row.created_ms),
      request_rows_(storage::RequestPolicy::parse(row.request_rows).value()),
      shared_(shared),
      outcomes_open_(shared),
      row_(std::move(row)),
      pacer_(row_.speed) {
    ArrivalLog::Events events{[this] { on_durable(); }, [this] { on_end_ready(); }};
    log_ = std::make_shared<ArrivalLog>(context_.history, id_, name_, tail, std::move(events),
                                        shared_ ? context_.shared : nullptr);
}

void Stream::add_run(RunIdentity identity, bool held) {
    identity.request_rows = request_rows_;
    const auto run = std::make_shared<RunWorker>(std::move(identity), *this, context_.history, context_.observer,
                                                 context_.run_requests_max);
    if (held) run->hold();
    const std::lock_guard lock(runs_mutex_);
    runs_.push_back(run);
}

void Stream::release_run(const std::shared_ptr<RunWorker>& run) {
    run->release();
    wake_run(run);
}

std::shared_ptr<RunWorker> Stream::add_late_run(RunIdentity identity) {
    identity.request_rows = request_rows_;
    const auto run = std::make_shared<RunWorker>(std::move(identity), *this, context_.history, context_.observer,
                                                 context_.run_requests_max);
    run->start_behind();
    {
        const std::lock_guard lock(runs_mutex_);
        runs_.push_back(run);
    }
    context_.engine.wake(run);
    context_.observer.on_streams_changed();
    return run;
}

RunList Stream::runs() const {
    const std::lock_guard lock(runs_mutex_);
    return runs_;
}

void Stream::start(std::optional<VirtualTime> reached) {
    {
        const std::lock_guard lock(mutex_);
        const WallTime now = context_.now();
        if (reached) pacer_.start(*reached, now);
        if (row_.paused) pacer_.pause(reached.value_or(VirtualTime(0)), now);
    }
    for (const auto& run : runs()) {
        if (!run->identity().compiled) run->fail_run("its scenario is no longer valid; see the log of the start");
    }
    wake_runs();
}

void Stream::wake_runs() {
    for (const auto& run : runs()) context_.engine.wake(run);
}

StreamStatus Stream::status() const {
    StreamStatus status;
    status.name = name_;
    status.limit = context_.backlog_arrivals_max;
    status.log = log_->status();
    std::int64_t consumed = status.log.durable.arrivals;
    bool any_active = false;
    for (const auto& run : runs()) {
        if (!run->active()) continue;
        any_active = true;
        if (run->catching_up()) continue;
        consumed = std::min(consumed, run->progress().consumed_arrivals());
    }
    status.allowed_arrivals = consumed + context_.backlog_arrivals_max;
    // A recovered log can be longer than that before the runs have caught up.
    status.allowed_arrivals = std::max(status.allowed_arrivals, status.log.durable.arrivals);
    status.backlog_arrivals = status.log.durable.arrivals - consumed;
    status.created_ms = created_ms_;
    status.request_rows = request_rows_.text();
    if (const auto trouble = context_.history.trouble()) status.trouble = trouble->message;
    if (shared_ && status.trouble.empty()) {
        if (const auto trouble = context_.shared->trouble()) status.trouble = trouble->message;
    }
    const std::lock_guard lock(mutex_);
    status.speed = pacer_.speed();
    status.clients = client_ ? 1 : 0;
    if (status.log.durable.ended && !any_active && !outcomes_open()) {
        status.state = StreamState::finished;
    } else if (pacer_.paused()) {
        status.state = StreamState::paused;
    } else {
        status.state = status.log.durable.ended ? StreamState::ended : StreamState::running;
    }
    return status;
}

std::uint64_t Stream::attach(IngestClient client) {
    std::optional<IngestClient> old;
    std::uint64_t token = 0;
    {
        const std::lock_guard lock(mutex_);
        old = std::exchange(client_, std::move(client));
        token = ++client_token_;
    }
    if (old) old->replaced();
    context_.observer.on_streams_changed();
    return token;
}

void Stream::detach(std::uint64_t token) {
    {
        const std::lock_guard lock(mutex_);
        if (token != client_token_) return;
        client_.reset();
    }
    context_.observer.on_streams_changed();
}

void Stream::tell_client() {
    std::function<void()> progress;
    {
        const std::lock_guard lock(mutex_);
        if (client_) progress = client_->progress;
    }
    if (progress) progress();
}

void Stream::on_durable() {
    const LogStatus log = log_->status();
    if (log.first_arrival) {
        const std::lock_guard lock(mutex_);
        if (!pacer_.started()) pacer_.start(*log.first_arrival, context_.now());
    }
    wake_runs();
    tell_client();
    if (log.durable.ended) context_.observer.on_streams_changed();
}

void Stream::on_end_ready() {
    if (shared_) return publish_end();
    context_.tasks.submit([self = shared_from_this()] { self->commit_end(); });
}

/// The end, too, is in the shared log before it is committed here.
void Stream::publish_end() {
    context_.shared->publish_end(name_, log_->status().durable.seq + 1, [self = shared_from_this()](Result<void> done) {
        if (!done) return self->log_->end_committed(done.error());
        self->context_.tasks.submit([self] { self->commit_end(); });
    });
}

void Stream::set_outcomes_known() {
    if (outcomes_open_.exchange(false)) context_.observer.on_streams_changed();
}

void Stream::commit_end() {
    const auto done = rewrite_row([](storage::StreamRow& row) { row.ended = true; });
    if (!done) {
        config::log(config::LogLevel::error, "end_not_committed", {{"stream", name_}, {"error", done.error().message}});
    }
    log_->end_committed(done ? std::nullopt : std::optional<Error>(done.error()));
}

void Stream::on_run_progress() {
    std::uint64_t consumed = UINT64_MAX;
    for (const auto& run : runs()) {
        if (run->active() && !run->catching_up()) consumed = std::min(consumed, run->consumed_seq());
    }
    if (consumed != UINT64_MAX) log_->release_before(consumed + 1);
    tell_client();
}

bool Stream::ends_with(std::uint64_t seq) {
    const LogTail tail = log_->status().durable;
    return tail.ended && tail.seq == seq;
}

Pacer Stream::pacer() {
    const std::lock_guard lock(mutex_);
    return pacer_;
}

VirtualTime Stream::furthest() const {
    VirtualTime furthest;
    for (const auto& run : runs()) furthest = std::max(furthest, run->progress().now());
    return furthest;
}

Result<void> Stream::rewrite_row(const std::function<void(storage::StreamRow&)>& change) {
    const std::lock_guard lock(row_mutex_);
    storage::StreamRow row = row_;
    change(row);
    if (auto written = context_.history.update_stream(row); !written) return written;
    row_ = std::move(row);
    return {};
}

Result<void> Stream::pause() {
    return rewrite_row([](storage::StreamRow& row) { row.paused = true; }).map([this] {
        {
            const std::lock_guard lock(mutex_);
            pacer_.pause(furthest(), context_.now());
        }
        context_.observer.on_streams_changed();
    });
}

Result<void> Stream::resume() {
    return rewrite_row([](storage::StreamRow& row) { row.paused = false; }).map([this] {
        {
            const std::lock_guard lock(mutex_);
            pacer_.resume(context_.now());
        }
        wake_runs();
        context_.observer.on_streams_changed();
    });
}

Result<void> Stream::set_speed(double speed) {
    if (auto found = speed_violation(speed)) return fail(Code::invalid_argument, *found);
    return rewrite_row([speed](storage::StreamRow& row) { row.speed = speed; }).map([this, speed] {
        {
            const std::lock_guard lock(mutex_);
            pacer_.set_speed(speed, furthest(), context_.now());
        }
        wake_runs();
        context_.observer.on_streams_changed();
    });
}

Result<void> Stream::set_traced_system(const std::string& json) {
    return rewrite_row([&json](storage::StreamRow& row) { row.traced_system = json; });
}

std::string Stream::traced_system() {
    const std::lock_guard lock(row_mutex_);
    return row_.traced_system;
}

}  // namespace replayd::stream
