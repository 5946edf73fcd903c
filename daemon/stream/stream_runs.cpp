// Runs that come and go while their stream lasts: added late, forked, stopped.

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "daemon/config/log.hpp"
#include "daemon/net/quoted.hpp"
#include "daemon/protocol/limits.hpp"
#include "daemon/stream/clock.hpp"
#include "daemon/stream/stream_registry.hpp"
#include "replay/sim/no_sink.hpp"

namespace replayd::stream {
namespace {

constexpr std::chrono::seconds k_patience{60};

Result<void> check_room_of(const Stream& stream) {
    const RunList runs = stream.runs();
    const auto active = std::count_if(runs.begin(), runs.end(), [](const auto& run) { return run->active(); });
    if (static_cast<std::size_t>(active) < protocol::k_scenarios_max) return {};
    return fail(Code::unavailable, "stream " + net::quoted(stream.name()) + " has " + std::to_string(active) +
                                       " active runs: expected less than " + std::to_string(protocol::k_scenarios_max) +
                                       "; stop one first");
}

/// The moment right after everything that the run has processed, if it can go on from there under `changed`.
Result<VirtualTime> fork_moment(Stream& stream, const std::shared_ptr<RunWorker>& run,
                                const std::shared_ptr<const CompiledScenario>& changed) {
    const auto answer = std::make_shared<std::promise<Result<VirtualTime>>>();
    run->ask([answer, changed](const Run* now, VirtualTime) {
        if (now == nullptr) {
            return answer->set_value(fail(Code::failed_state, "the run failed to start: its scenario is not valid"));
        }
        const auto forked = now->fork(changed, no_sink());
        if (!forked) return answer->set_value(tl::unexpected(forked.error()));
        answer->set_value(now->snapshot().now + Duration(1));
    });
    auto moment = answer->get_future();
    stream.wake_run(run);
    if (moment.wait_for(k_patience) == std::future_status::ready) return moment.get();
    return fail(Code::unavailable, "the run did not answer within a minute: is the daemon shutting down?");
}

}  // namespace

Result<std::shared_ptr<RunWorker>> StreamRegistry::add_to(Stream& stream, const LibraryScenario& scenario,
                                                          RunIdentity identity) {
    if (auto room = check_room_of(stream); !room) return tl::unexpected(room.error());
    if (auto fine = check_objectives(stream.request_rows(), scenario); !fine) return tl::unexpected(fine.error());
    storage::RunRow row{0, stream.id(), scenario.name(), scenario.toml, engine_version_, wall_ms()};
    row.forked_from = identity.forked_from;
    row.forked_at = identity.forked_at;
    auto stored = context_.history.add_run(row, scenario.compiled->plans, scenario.scenario());
    if (!stored) return tl::unexpected(stored.error());
    identity.id = stored->id;
    identity.stream = stream.name();
    identity.scenario = scenario.name();
    identity.scenario_toml = scenario.toml;
    identity.created_ms = stored->created_ms;
    identity.compiled = scenario.compiled;
    config::log(config::LogLevel::info, "run_added",
                {{"run", identity.id}, {"stream", identity.stream}, {"scenario", identity.scenario},
                 {"forked_from", identity.forked_from}});
    return stream.add_late_run(std::move(identity));
}

Result<std::shared_ptr<RunWorker>> StreamRegistry::add_run(std::string_view name, std::string_view scenario_name) {
    const auto stream = find(name);
    if (!stream) return tl::unexpected(stream.error());
    const auto scenario = library_.find(scenario_name);
    if (!scenario) return tl::unexpected(scenario.error());
    return add_to(**stream, **scenario, {});
}

Result<std::shared_ptr<RunWorker>> StreamRegistry::fork_run(const storage::RunInfo& parent,
                                                            std::string_view scenario_name,
                                                            std::optional<VirtualTime> at, storage::Reader& reader) {
    const auto stream = find(parent.stream);
    if (!stream) return tl::unexpected(stream.error());
    const auto scenario = library_.find(scenario_name);
    if (!scenario) return tl::unexpected(scenario.error());
    const auto worker = run(parent.row.id);
    const VirtualTime reached = worker ? worker->progress().now() : parent.totals.snapshot.now;
    if (at && (at->ns < 1 || *at > reached + Duration(1))) {
        return fail(Code::invalid_argument, "at_ns is " + std::to_string(at->ns) + ": expected 1 to " +
                                                std::to_string(reached.ns + 1) + ", right after where run " +
                                                std::to_string(parent.row.id) + " is");
    }
    if (!at) {
        if (!worker || !worker->active()) {
            return fail(Code::invalid_argument,
                        "at_ns is missing: expected it for run " + std::to_string(parent.row.id) + ", which is over");
        }
        auto moment = fork_moment(**stream, worker, (*scenario)->compiled);
        if (!moment) return tl::unexpected(moment.error());
        at = *moment;
    }
    auto before = parts_of_fork(parent.row, *at, reader, composer());
    if (!before) return tl::unexpected(before.error());
    RunIdentity identity;
    identity.before = std::move(*before);
    identity.forked_from = parent.row.id;
    identity.forked_at = *at;
    return add_to(**stream, **scenario, std::move(identity));
}

Result<RunIdentity> StreamRegistry::identity(const storage::RunInfo& run, storage::Reader& reader) const {
    RunIdentity identity = logged_identity(run.row, run.stream, reader);
    if (identity.compiled) return identity;
    return fail(Code::invalid_argument,
                "run " + std::to_string(run.row.id) + ": its scenario is no longer valid; the daemon's log says why");
}

Result<void> StreamRegistry::stop_run(std::int64_t run_id) {
    const auto worker = run(run_id);
    if (!worker || !worker->active()) {
        return fail(Code::failed_state,
                    "run " + std::to_string(run_id) + " is over: expected one that this daemon replays");
    }
    const auto stream = find(worker->identity().stream);
    if (!stream) return tl::unexpected(stream.error());
    worker->request_stop();
    (*stream)->wake_run(worker);
    return {};
}

}  // namespace replayd::stream
