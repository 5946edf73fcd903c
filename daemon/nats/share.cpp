#include "daemon/nats/share.hpp"

#include <algorithm>
#include <utility>

#include "daemon/config/log.hpp"

namespace replayd::nats {
namespace {

/// Runs of one stream that are looked through for one that has finished here before.
constexpr std::size_t k_runs_looked_at = 1000;

/// The run of a scenario that was recovered with its stream.
std::shared_ptr<stream::RunWorker> recovered_run(const stream::Stream& stream, const std::string& scenario) {
    for (const auto& run : stream.runs()) {
        const stream::RunIdentity& facts = run->identity();
        if (facts.scenario == scenario && facts.forked_from == 0 && run->active()) return run;
    }
    return nullptr;
}

Outcome outcome_of(const stream::RunWorker& worker, const std::string& node) {
    const stream::RunStatus status = worker.progress().status();
    switch (status.phase) {
        case stream::RunPhase::finished:
            return {node, "finished", status.hash, ""};
        case stream::RunPhase::stopped:
            return {node, "stopped", "", ""};
        default:
            return {node, "failed", "", status.failure};
    }
}

}  // namespace

void Share::add(const std::shared_ptr<stream::Stream>& stream, const stream::Opening& opening) {
    const bool same_engine = opening.engine_version == registry_.engine_version();
    if (!same_engine) {
        config::log(
            config::LogLevel::warn, "shared_stream_of_another_version",
            {{"stream", opening.name}, {"version", opening.engine_version}, {"ours", registry_.engine_version()}});
    }
    for (const stream::SharedScenario& scenario : opening.scenarios) {
        SharedRun run{stream, scenario, recovered_run(*stream, scenario.name), 0, !same_engine};
        runs_.emplace(Names::run_key(opening.name, scenario.name), std::move(run));
    }
    streams_.insert(stream);
    // Runs that this process added by itself are nobody else's.
    for (const auto& run : stream->runs()) {
        const bool shared = std::any_of(opening.scenarios.begin(), opening.scenarios.end(), [&](const auto& scenario) {
            return recovered_run(*stream, scenario.name) == run;
        });
        if (!shared) stream->release_run(run);
    }
}

Result<bool> Share::over(const stream::Opening& opening) {
    for (const stream::SharedScenario& scenario : opening.scenarios) {
        const auto known = leases_->outcome(Names::run_key(opening.name, scenario.name));
        if (!known) return tl::unexpected(known.error());
        if (!*known) return false;
    }
    return true;
}

Result<void> Share::turn() {
    auto done = renew_all().and_then([this] { return settle_all(); });
    if (done && Clock::now() >= takes_from_) done = take_some();
    if (done) done = look_who_has_them();
    // After an outage every lease may have run out: those who had them are asked first.
    if (!done) takes_from_ = Clock::now() + leases_->lease_time();
    close_streams();
    return done;
}

Result<void> Share::renew_all() {
    const Clock::time_point asked = Clock::now();
    for (auto& [key, run] : runs_) {
        if (run.lease == 0) continue;
        auto renewed = leases_->renew(key, run.lease);
        // Ours all the same, where the answer to the last renewal was lost.
        if (renewed && !*renewed) renewed = take_open(key);
        if (!renewed) return tl::unexpected(renewed.error());
        run.lease = renewed->value_or(0);
        if (run.lease == 0 && run.worker && run.worker->active()) give_up(run, "its lease ran out and another took it");
    }
    clock_.renewed(asked);
    return {};
}

/// The lease of a run without an outcome: whoever recorded one gave the lease back, so that it seems to be free.
Result<std::optional<std::uint64_t>> Share::take_open(const std::string& key) {
    auto lease = leases_->take(key);
    if (!lease || !*lease) return lease;
    const auto known = leases_->outcome(key);
    if (!known) return tl::unexpected(known.error());
    if (!*known) return lease;
    leases_->drop(key);
    return std::nullopt;
}

Result<void> Share::settle_all() {
    for (auto at = runs_.begin(); at != runs_.end();) {
        const auto over = settled(at->first, at->second);
        if (!over) return tl::unexpected(over.error());
        if (!*over) {
            ++at;
            continue;
        }
        if (at->second.lease != 0) leases_->drop(at->first);
        at = runs_.erase(at);
    }
    return {};
}

Result<bool> Share::settled(const std::string& key, SharedRun& run) {
    if (run.worker && !run.worker->active()) {
        return record(key, run, outcome_of(*run.worker, node_)).map([] { return true; });
    }
    if (run.worker && run.lease != 0) return false;
    const auto known = leases_->outcome(key);
    if (!known) return tl::unexpected(known.error());
    if (!*known) return false;
    note_outcome(run, **known);
    if (run.worker) give_up(run, "another finished it");
    return true;
}

Result<void> Share::record(const std::string& key, const SharedRun& run, const Outcome& outcome) {
    const auto stands = leases_->record(key, outcome);
    if (!stands) return tl::unexpected(stands.error());
    note_outcome(run, *stands);
    const bool agrees = stands->state == outcome.state && stands->hash == outcome.hash;
    config::log(agrees ? config::LogLevel::info : config::LogLevel::error,
                agrees ? "shared_run_recorded" : "shared_run_differs",
                {{"stream", run.stream->name()},
                 {"scenario", run.scenario.name},
                 {"state", outcome.state},
                 {"hash", outcome.hash},
                 {"recorded_by", stands->node},
                 {"recorded_hash", stands->hash}});
    return {};
}

void Share::note_outcome(const SharedRun& run, const Outcome& outcome) {
    holders_[run.stream->name()][run.scenario.name] = {
        run.scenario.name, outcome.node, outcome.node == node_, outcome.state, outcome.hash};
}

Result<void> Share::look_who_has_them() {
    for (const auto& [key, run] : runs_) {
        const auto node = run.lease != 0 ? Result<std::string>(node_) : leases_->holder(key);
        if (!node) return tl::unexpected(node.error());
        const char* state = node->empty() ? "waiting" : "running";
        holders_[run.stream->name()][run.scenario.name] = {run.scenario.name, *node, *node == node_, state, ""};
    }
    return {};
}

Result<void> Share::take_some() {
    const auto nodes = leases_->count_nodes();
    if (!nodes) return tl::unexpected(nodes.error());
    const std::size_t even = (runs_.size() + *nodes - 1) / *nodes;
    for (auto& [key, run] : runs_) {
        if (run.lease != 0 || run.never_here) continue;
        // A recovered run is asked for whatever the share: it is either still ours or to be stopped.
        if (!run.worker && held() >= even) continue;
        if (auto taken = take(key, run); !taken) return taken;
    }
    return {};
}

Result<void> Share::take(const std::string& key, SharedRun& run) {
    const auto lease = take_open(key);
    if (!lease) return tl::unexpected(lease.error());
    if (!*lease) {
        if (run.worker) give_up(run, "another has it");
        return {};
    }
    run.lease = **lease;
    if (!run.worker) return begin(key, run);
    run.stream->release_run(run.worker);
    return {};
}

/// The lease is ours: the run is computed here from now on, unless it was finished here and only its outcome was lost.
Result<void> Share::begin(const std::string& key, SharedRun& run) {
    const auto before = finished_here(run);
    if (!before) return tl::unexpected(before.error());
    if (*before) return record(key, run, **before);
    auto added = registry_.add_shared_run(*run.stream, run.scenario);
    if (added) {
        run.worker = std::move(*added);
        config::log(
            config::LogLevel::info, "shared_run_taken",
            {{"stream", run.stream->name()}, {"scenario", run.scenario.name}, {"run", run.worker->identity().id}});
        return {};
    }
    run.never_here = added.error().code == Code::invalid_argument;
    run.lease = 0;
    leases_->drop(key);
    config::log(config::LogLevel::error, "shared_run_not_taken",
                {{"stream", run.stream->name()}, {"scenario", run.scenario.name}, {"error", added.error().message}});
    return {};
}

Result<std::optional<Outcome>> Share::finished_here(const SharedRun& run) const {
    auto reader = storage::Reader::open(history_path_);
    if (!reader) return tl::unexpected(reader.error());
    const auto runs = (*reader)->runs({run.stream->name(), k_runs_looked_at});
    if (!runs) return tl::unexpected(runs.error());
    for (const storage::RunInfo& info : *runs) {
        const bool same = info.row.scenario == run.scenario.name && info.row.forked_from == 0 &&
                          info.row.scenario_toml == run.scenario.toml;
        if (same && info.totals.state == storage::RunState::finished) {
            return std::optional(Outcome{node_, "finished", info.totals.hash, ""});
        }
    }
    return std::optional<Outcome>();
}

void Share::give_up(SharedRun& run, const char* why) {
    config::log(config::LogLevel::info, "shared_run_given_up",
                {{"stream", run.stream->name()}, {"scenario", run.scenario.name}, {"why", why}});
    // One that has ended meanwhile needs no stopping.
    static_cast<void>(registry_.stop_run(run.worker->identity().id));
    run.worker.reset();
}

std::size_t Share::held() const {
    return static_cast<std::size_t>(
        std::count_if(runs_.begin(), runs_.end(), [](const auto& run) { return run.second.lease != 0; }));
}

void Share::close_streams() {
    for (auto at = streams_.begin(); at != streams_.end();) {
        const bool open =
            std::any_of(runs_.begin(), runs_.end(), [&](const auto& run) { return run.second.stream == *at; });
        if (!open) (*at)->set_outcomes_known();
        at = open ? std::next(at) : streams_.erase(at);
    }
}

void Share::forget(const stream::Opening& opening) {
    holders_.erase(opening.name);
    for (const stream::SharedScenario& scenario : opening.scenarios) {
        leases_->forget_outcome(Names::run_key(opening.name, scenario.name));
    }
}

void Share::leave() {
    for (auto& [key, run] : runs_) {
        if (run.lease != 0) leases_->drop(key);
    }
    leases_->drop(Names::node_key(node_));
}

}  // namespace replayd::nats
