#include "daemon/replayctl/recorded_moments.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "daemon/api/moment_json.hpp"
#include "daemon/config/version.hpp"
#include "daemon/stream/logged_batches.hpp"
#include "daemon/stream/run_identity.hpp"
#include "daemon/stream/run_replay.hpp"

namespace replayd::ctl {
namespace {

bool over(const storage::RunInfo& run) {
    return run.totals.state != storage::RunState::running && run.totals.state != storage::RunState::interrupted;
}

/// A run with its log.
struct Recorded {
    storage::RunInfo info;
    stream::RunIdentity identity;
    stream::LoggedBatches log;

    /// How far it can be replayed.
    [[nodiscard]] VirtualTime reached() const {
        return over(info) ? info.totals.snapshot.now + Duration(1) : log.watermark();
    }
};

Result<void> check_replayable(const storage::RunInfo& run) {
    const std::string name = "run " + std::to_string(run.row.id);
    if (run.pools.empty()) {
        return fail(Code::failed_state, name + " is being taken out of the history, with its stream " + run.stream +
                                            ": expected a run that stays");
    }
    // One that has not ended is computed by whichever version goes on with it.
    if (!over(run) || run.row.engine_version == config::k_version) return {};
    return fail(Code::failed_state, name + " was computed by replayd " + run.row.engine_version +
                                        ", and this is replayctl " + std::string(config::k_version) +
                                        ", whose engine may decide otherwise: use the replayctl of that version");
}

Result<Recorded> open_run(storage::Reader& reader, const ScenarioSource& scenarios, std::int64_t run_id) {
    auto info = reader.run(run_id);
    if (!info) return tl::unexpected(info.error());
    if (auto fine = check_replayable(*info); !fine) return tl::unexpected(fine.error());
    const auto compose = [&scenarios](std::string_view toml, std::string_view origin) {
        return scenarios.compose(toml, origin);
    };
    auto identity = stream::identity_of(info->row, info->stream, reader, compose);
    if (!identity) return tl::unexpected(identity.error());
    auto log = stream::LoggedBatches::open(reader, info->row.stream_id);
    if (!log) return tl::unexpected(log.error());
    if (log->arrivals() < info->totals.snapshot.arrived) {
        return fail(Code::failed_state,
                    "the log of stream " + info->stream + " has " + std::to_string(log->arrivals()) +
                        " arrivals and run " + std::to_string(run_id) + " saw " +
                        std::to_string(info->totals.snapshot.arrived) +
                        ": expected a history with the whole log; `replayctl check` says what else it lacks");
    }
    return Recorded{std::move(*info), std::move(*identity), std::move(*log)};
}

}  // namespace

Result<boost::json::object> recorded_moment(storage::Reader& reader, const ScenarioSource& scenarios, std::int64_t run,
                                            std::optional<std::int64_t> at_ns, std::size_t listed) {
    auto recorded = open_run(reader, scenarios, run);
    if (!recorded) return tl::unexpected(recorded.error());
    const VirtualTime most = recorded->reached();
    const VirtualTime at = at_ns ? VirtualTime(*at_ns) : most;
    if (at > most) {
        return fail(Code::invalid_argument, "TIME is " + std::to_string(at.ns) + " ns: expected at most " +
                                                std::to_string(most.ns) + " ns, where run " + std::to_string(run) +
                                                " has come to");
    }
    stream::RunReplay replay(recorded->identity, recorded->log);
    for (;;) {
        const auto there = replay.step(at);
        if (!there) return tl::unexpected(there.error());
        if (*there) return api::moment_json({replay.run().moment(listed), VirtualTime(0)}, recorded->info);
    }
}

Result<boost::json::object> recorded_difference(storage::Reader& reader, const ScenarioSource& scenarios,
                                                std::int64_t run_a, std::int64_t run_b) {
    auto a = open_run(reader, scenarios, run_a);
    if (!a) return tl::unexpected(a.error());
    auto b = open_run(reader, scenarios, run_b);
    if (!b) return tl::unexpected(b.error());
    if (auto fine = stream::check_one_stream(a->info, b->info); !fine) return tl::unexpected(fine.error());
    const bool both_finished =
        a->info.totals.state == storage::RunState::finished && b->info.totals.state == storage::RunState::finished;
    const auto until = both_finished ? std::nullopt : std::optional(std::min(a->reached(), b->reached()));
    stream::RunDifference difference(a->identity, b->identity, a->log, until);
    for (;;) {
        const auto answer = difference.step();
        if (!answer) continue;
        if (!*answer) return tl::unexpected(answer->error());
        return api::difference_json(**answer, a->info, b->info);
    }
}

}  // namespace replayd::ctl
