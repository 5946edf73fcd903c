#include "daemon/stream/run_worker.hpp"

#include <algorithm>
#include <utility>

#include "daemon/config/log.hpp"
#include "daemon/stream/clock.hpp"
#include "replay/base/assert.hpp"

namespace replayd::stream {
namespace {

/// Arrivals between two counts of the requests in the cluster.
constexpr std::int64_t k_arrivals_per_count = 8'192;

/// A slice is short, so that more runs than threads share them and a stop never waits long.
constexpr std::chrono::milliseconds k_slice{10};
/// A paced run is advanced this often, which is as fine as a page can draw.
constexpr std::chrono::milliseconds k_pace_tick{50};
/// Virtual time per step while requests drain after the end of the stream.
constexpr Duration k_drain_step{100 * k_ns_per_s};

}  // namespace

RunWorker::RunWorker(RunIdentity identity, RunFeed& feed, storage::History& history, Observer& observer,
                     std::int64_t requests_max)
    : identity_(std::move(identity)),
      feed_(feed),
      history_(history),
      observer_(observer),
      requests_max_(requests_max),
      progress_(identity_.compiled ? &identity_.compiled->scenario : nullptr),
      records_(identity_, progress_, history, observer) {
    if (!identity_.compiled) return;
    run_.emplace(identity_.before.empty() ? identity_.compiled : identity_.before.front().compiled, records_);
}

void RunWorker::ask(Look look) {
    const std::lock_guard lock(questions_mutex_);
    questions_.push_back(std::move(look));
}

void RunWorker::answer_questions() {
    std::vector<Look> questions;
    {
        const std::lock_guard lock(questions_mutex_);
        questions.swap(questions_);
    }
    for (const auto& look : questions) look(run_ ? &*run_ : nullptr, last_offered_);
}

NextSlice RunWorker::slice() {
    answer_questions();
    if (!over_ && stop_wanted_.load()) stop();
    if (over_ || held_.load()) return NextSlice::on_wake();
    const auto kept = feed_.keep();  // this slice may be the last thing that the stream waits for
    const WallTime until = feed_.now() + k_slice;
    const std::uint64_t consumed_before = consumed_seq_.load();
    Step result = Step::more;
    while (result == Step::more && !over_ && feed_.now() < until) {
        result = step(feed_.pacer().target(feed_.now()));
    }
    if (!over_) {
        progress_.set_snapshot(run_->snapshot(), offered_, feed_.now());
        records_.flush();
    }
    if (result != Step::more) catching_up_.store(false);
    if (over_) {
        run_.reset();
        fetched_ = {};
    }
    if (consumed_seq_.load() != consumed_before) feed_.on_run_progress();
    if (over_ || result == Step::starved) return NextSlice::on_wake();
    if (result == Step::more) return NextSlice::at_once();
    // A paused run waits for the wake of the resume.
    return feed_.pacer().paused() ? NextSlice::on_wake()
                                  : NextSlice::at(feed_.now() + k_pace_tick);
}

RunWorker::Step RunWorker::step(VirtualTime target) {
    const auto loaded = load_batch();
    if (!loaded) {
        fail_run("reading the arrival log: " + loaded.error().message);
        return Step::starved;
    }
    const bool unlimited = target == Pacer::k_no_limit;
    if (!*loaded) {
        if (feed_.ends_with(consumed_seq_.load())) return drain(target);
        advance(std::min(bound_, target));
        return target < bound_ ? Step::paced : Step::starved;
    }
    const FeedBatch& batch = fetched_[batch_];
    const std::vector<Arrival>& arrivals = *batch.arrivals;
    const std::size_t first = arrival_;
    while (arrival_ < arrivals.size() && arrival_ - first < k_arrivals_per_step &&
           (unlimited || arrivals[arrival_].at < target)) {
        ++arrival_;
    }
    const std::size_t offered = arrival_ - first;
    if (offered > 0) last_offered_ = arrivals[arrival_ - 1].at;
    run_->offer(batch.arrivals, first, offered);
    offered_ += static_cast<std::int64_t>(offered);
    const bool batch_done = arrival_ == arrivals.size();
    bound_ = std::max(bound_, batch_done ? batch.watermark : arrivals[arrival_].at);
    advance(std::min(bound_, target));
    if (over_ || !fits()) return Step::starved;
    if (batch_done) {
        consumed_seq_.store(batch.seq);
        ++batch_;
        arrival_ = 0;
        return Step::more;
    }
    return offered > 0 ? Step::more : Step::paced;
}

/// Advances the run, through the moments at which it takes another scenario.
void RunWorker::advance(VirtualTime to) {
    while (forks_done_ < identity_.before.size() && identity_.before[forks_done_].until <= to) {
        const ForkedPart& part = identity_.before[forks_done_];
        run_->advance(part.until);
        ++forks_done_;
        const bool last = forks_done_ == identity_.before.size();
        auto forked = run_->fork(last ? identity_.compiled : identity_.before[forks_done_].compiled, records_);
        if (!forked) return fail_run("the fork at " + std::to_string(part.until.ns) + " ns: " + forked.error().message);
        run_ = std::move(*forked);
    }
    run_->advance(to);
}

/// Makes fetched_[batch_] the batch to consume; false when there is none yet.
Result<bool> RunWorker::load_batch() {
    if (batch_ < fetched_.size()) return true;
    fetched_.clear();
    batch_ = 0;
    auto fetched = feed_.fetch(consumed_seq_.load() + 1);
    if (!fetched) return tl::unexpected(fetched.error());
    fetched_ = std::move(*fetched);
    return !fetched_.empty();
}

RunWorker::Step RunWorker::drain(VirtualTime target) {
    const auto all_done = [this] {
        const RunSnapshot snapshot = run_->snapshot();
        return snapshot.finished + snapshot.rejected == offered_;
    };
    drained_to_ = std::max(drained_to_, bound_);
    if (!all_done()) {
        const bool can_step = drained_to_.ns < INT64_MAX - k_drain_step.value;
        const VirtualTime next = can_step ? drained_to_ + k_drain_step : Pacer::k_no_limit;
        drained_to_ = std::max(drained_to_, std::min(next, target));
        advance(drained_to_);
        if (over_) return Step::starved;
        if (!all_done()) return target < next ? Step::paced : Step::more;
    }
    finish();
    return Step::starved;
}

void RunWorker::finish() {
    run_->finish();
    records_.finish();
    const RunSnapshot snapshot = run_->snapshot();
    REPLAYD_ASSERT(snapshot.finished + snapshot.rejected == offered_);
    progress_.set_snapshot(snapshot, offered_, feed_.now());
    storage::RunTotals totals;
    totals.state = storage::RunState::finished;
    totals.hash = run_->hash().to_string();
    totals.snapshot = snapshot;
    tell_row(std::move(totals));
}

void RunWorker::stop() {
    records_.finish();
    storage::RunTotals totals;
    totals.state = storage::RunState::stopped;
    if (run_) totals.snapshot = run_->snapshot();
    tell_row(std::move(totals));
}

/// Looks now and then, always after the same arrivals, whether the cluster holds too many requests; fails the run then.
bool RunWorker::fits() {
    if (offered_ - counted_at_ < k_arrivals_per_count) return true;
    counted_at_ = offered_;
    const RunSnapshot snapshot = run_->snapshot();
    const std::int64_t requests = snapshot.waiting + snapshot.running + snapshot.transferring;
    if (requests <= requests_max_) return true;
    fail_run(std::to_string(requests) + " requests are in the cluster at " + std::to_string(snapshot.now.ns) +
             " ns: expected at most " + std::to_string(requests_max_) +
             "; it cannot keep up with its arrivals: give it more replicas, or send fewer");
    return false;
}

void RunWorker::fail_run(const std::string& reason) {
    storage::RunTotals totals;
    totals.state = storage::RunState::failed;
    totals.failure = reason;
    if (run_) totals.snapshot = run_->snapshot();
    tell_row(std::move(totals));
}

/// Writes the end of the run. The run counts as over for others only once its row is committed, so that whoever
/// sees it finished finds everything in the history.
void RunWorker::tell_row(storage::RunTotals totals) {
    over_ = true;
    totals.finished_ms = wall_ms();
    totals.request_rows_left_out = records_.left_out();
    const auto ended = [self = shared_from_this(), kept = feed_.keep(), totals](const Result<void>& result) {
        const RunIdentity& run = self->identity_;
        if (!result) {
            config::log(config::LogLevel::error, "run_row_failed",
                        {{"run", run.id}, {"error", result.error().message}});
        }
        const bool failed = totals.state == storage::RunState::failed;
        const bool stopped = totals.state == storage::RunState::stopped;
        if (failed) {
            self->progress_.set_failed(totals.failure, totals.finished_ms);
        } else if (stopped) {
            self->progress_.set_stopped(totals.finished_ms);
        } else {
            self->progress_.set_finished(totals.hash, totals.finished_ms);
        }
        config::log(failed ? config::LogLevel::error : config::LogLevel::info,
                    failed ? "run_failed" : stopped ? "run_stopped" : "run_finished",
                    {{"run", run.id},
                     {"stream", run.stream},
                     {"scenario", run.scenario},
                     {"finished", totals.snapshot.finished},
                     {"rejected", totals.snapshot.rejected},
                     {"hash", totals.hash},
                     {"error", totals.failure}});
        self->feed_.on_run_progress();
        self->observer_.on_streams_changed();
    };
    history_.finish_run(identity_.id, totals, ended);
}

}  // namespace replayd::stream
