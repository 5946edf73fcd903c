#include "daemon/api/run_view.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace replayd::api {
namespace {

std::string_view state_name(storage::RunState state) {
    switch (state) {
        case storage::RunState::running:
            return "interrupted";  // no process computes it
        case storage::RunState::finished:
            return "finished";
        case storage::RunState::failed:
            return "failed";
        case storage::RunState::interrupted:
            return "interrupted";
        case storage::RunState::stopped:
            return "stopped";
    }
    return "interrupted";
}

/// The sums of an unfinished past run are those of its windows.
void take_windows(RunView& view, WindowRecord whole) {
    view.within_slo = whole.within_slo;
    view.window_finished = whole.finished;
    view.ttft = std::move(whole.ttft);
    view.tpot = std::move(whole.tpot);
    view.e2e = std::move(whole.e2e);
    if (view.state == "finished" || view.state == "failed" || view.state == "stopped") return;
    RunSnapshot& snapshot = view.snapshot;
    snapshot.now = whole.start + whole.length;
    snapshot.arrived = whole.arrived;
    snapshot.finished = whole.finished;
    snapshot.rejected = whole.rejected;
    snapshot.preemptions = whole.preemptions;
    snapshot.prompt_tokens = whole.prompt_tokens;
    snapshot.output_tokens = whole.output_tokens;
}

RunView view_of_row(const storage::RunInfo& info) {
    RunView view;
    view.id = info.row.id;
    view.stream = info.stream;
    view.scenario = info.row.scenario;
    view.state = state_name(info.totals.state);
    view.created_ms = info.row.created_ms;
    view.finished_ms = info.totals.finished_ms;
    view.hash = info.totals.hash;
    view.failure = info.totals.failure;
    view.snapshot = info.totals.snapshot;
    view.slo = {info.slo_ttft, info.slo_tpot};
    view.forked_from = info.row.forked_from;
    view.forked_at = info.row.forked_at;
    view.request_rows = info.request_rows;
    view.request_rows_left_out = info.totals.request_rows_left_out;
    view.window = info.window;
    view.pools = info.pools;
    return view;
}

}  // namespace

std::string_view role_name(PoolRole role) {
    switch (role) {
        case PoolRole::mixed:
            return "mixed";
        case PoolRole::prefill:
            return "prefill";
        case PoolRole::decode:
            return "decode";
    }
    return "mixed";
}

std::vector<storage::PoolInfo> pools_of(const Scenario& scenario) {
    std::vector<storage::PoolInfo> pools;
    for (const PoolSpec& pool : scenario.pools) {
        pools.push_back(
            {pool.name, std::string(role_name(pool.role)), pool.gpu.name, pool.replicas, pool.gpus_per_replica()});
    }
    return pools;
}

RunView view_of(const stream::RunWorker& run, bool paused) {
    const stream::RunIdentity& identity = run.identity();
    stream::RunStatus status = run.progress().status();
    static constexpr std::array<const char*, 4> names = {"running", "finished", "failed", "stopped"};
    RunView view;
    view.id = identity.id;
    view.stream = identity.stream;
    view.scenario = identity.scenario;
    view.state = names[static_cast<std::size_t>(status.phase)];
    if (paused && status.phase == stream::RunPhase::running) view.state = "paused";
    view.created_ms = identity.created_ms;
    view.forked_from = identity.forked_from;
    view.forked_at = identity.forked_at;
    view.request_rows = identity.request_rows.text();
    view.request_rows_left_out = status.request_rows_left_out;
    view.finished_ms = status.finished_ms;
    view.hash = std::move(status.hash);
    view.failure = std::move(status.failure);
    view.snapshot = status.snapshot;
    view.speedup = status.speedup;
    view.within_slo = status.within_slo;
    view.window_finished = status.window_finished;
    view.ttft = std::move(status.ttft);
    view.tpot = std::move(status.tpot);
    view.e2e = std::move(status.e2e);
    if (identity.compiled) {
        const Scenario& scenario = identity.compiled->scenario;
        view.slo = scenario.slo;
        view.window = scenario.window;
        view.pools = pools_of(scenario);
    }
    return view;
}

Result<RunView> past_view(storage::Reader& reader, const storage::RunInfo& info) {
    auto whole = reader.whole_run(info.row.id);
    if (!whole) return tl::unexpected(whole.error());
    RunView view = view_of_row(info);
    take_windows(view, std::move(*whole));
    return view;
}

Result<RunView> RunViews::get(storage::Reader& reader, const storage::RunInfo& info) {
    if (const auto run = registry_.run(info.row.id)) {
        const auto stream = registry_.lookup(info.stream);
        return view_of(*run, stream && stream->pacer().paused());
    }
    const bool over =
        info.totals.state != storage::RunState::running && info.totals.state != storage::RunState::interrupted;
    {
        const std::lock_guard lock(mutex_);
        const auto known = past_.find(info.row.id);
        if (known != past_.end()) return known->second;
    }
    auto past = past_view(reader, info);
    if (past && over) {
        const std::lock_guard lock(mutex_);
        if (past_.size() >= k_remembered_max) past_.erase(past_.begin());
        past_[past->id] = *past;
    }
    return past;
}

Result<std::vector<RunView>> RunViews::of_stream(storage::Reader& reader, const stream::Stream& stream) {
    auto rows = reader.runs({stream.name(), k_remembered_max});
    if (!rows) return tl::unexpected(rows.error());
    std::reverse(rows->begin(), rows->end());  // the history gives the newest first
    std::vector<RunView> views;
    for (const storage::RunInfo& row : *rows) {
        auto view = get(reader, row);
        if (!view) return tl::unexpected(view.error());
        views.push_back(std::move(*view));
    }
    return views;
}

}  // namespace replayd::api
