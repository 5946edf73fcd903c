#include "daemon/replayctl/replay_command.hpp"

#include <memory>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/api/json_objects.hpp"
#include "daemon/api/run_view.hpp"
#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/csv_files.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/parallel.hpp"
#include "daemon/replayctl/recording.hpp"
#include "daemon/replayctl/run_table.hpp"
#include "daemon/replayctl/scenario_replay.hpp"
#include "daemon/replayctl/scenario_source.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

/// Arrivals between two meetings of the threads: enough work for each, and a progress bar that moves.
constexpr std::size_t k_slice_arrivals = 4096;

using Replays = std::vector<std::unique_ptr<ScenarioReplay>>;

/// Everything a replay works on.
struct Session {
    TraceSource trace;
    CsvFiles csv;
    Replays replays;
    std::unique_ptr<Recording> recording;  ///< null: nothing is recorded
};

Result<void> write_csv(Session& session) {
    for (const auto& replay : session.replays) {
        if (auto written = session.csv.write(replay->take_csv()); !written) return written;
    }
    return {};
}

/// Replays the next slice; false at the end of the trace.
Result<bool> step(Session& session) {
    auto arrivals = session.trace.take(k_slice_arrivals);
    if (!arrivals) return tl::unexpected(arrivals.error());
    if (arrivals->empty()) return false;
    if (session.recording) arrivals = session.recording->log(std::move(*arrivals));
    if (!arrivals) return tl::unexpected(arrivals.error());
    for_each_in_parallel(session.replays.size(), [&](std::size_t i) { session.replays[i]->take(*arrivals); });
    return write_csv(session).map([] { return true; });
}

Result<void> run_to_end(Session& session) {
    ProgressBar bar;
    for (;;) {
        const auto more = step(session);
        if (!more) return tl::unexpected(more.error());
        if (!*more) break;
        bar.update(session.trace.progress());
    }
    for_each_in_parallel(session.replays.size(), [&](std::size_t i) { session.replays[i]->finish(); });
    if (auto written = write_csv(session); !written) return written;
    return session.csv.close();
}

Result<Session> prepare(const ReplayOptions& options) {
    auto source = ScenarioSource::create(options.catalogs);
    if (!source) return tl::unexpected(source.error());
    auto scenarios = source->load_all(options.scenarios, options.what_if);
    if (!scenarios) return tl::unexpected(scenarios.error());
    auto trace = TraceSource::open(options.trace);
    if (!trace) return tl::unexpected(trace.error());
    auto csv = CsvFiles::open(options);
    if (!csv) return tl::unexpected(csv.error());
    Session session{std::move(*trace), std::move(*csv), {}, nullptr};
    if (!options.db.empty()) {
        auto recording = Recording::open(options.db, options.stream, options.trace.path);
        if (!recording) return tl::unexpected(recording.error());
        session.recording = std::move(*recording);
    }
    for (const stream::LibraryScenario& scenario : *scenarios) {
        RunOptions engine;
        if (options.stepper) engine.stretch_steps_max = 0;
        session.replays.push_back(std::make_unique<ScenarioReplay>(scenario.compiled, session.csv.wish(), engine));
        if (!session.recording) continue;
        if (auto added = session.recording->add_run(scenario, *session.replays.back()); !added) {
            return tl::unexpected(added.error());
        }
    }
    return session;
}

/// The run as the API would show it, and what only this process knows.
json::object run_object(const ScenarioReplay& replay, const std::string& stream) {
    const double wall_s = static_cast<double>(replay.wall().count()) * 1e-9;
    api::RunView view;
    view.id = replay.run_id();
    view.stream = stream;
    view.scenario = replay.scenario().name;
    view.state = "finished";
    view.hash = replay.hash().to_string();
    view.snapshot = replay.snapshot();
    view.speedup = wall_s > 0 ? to_seconds(view.snapshot.now) / wall_s : 0;
    view.slo = replay.scenario().slo;
    view.window = replay.scenario().window;
    view.within_slo = replay.whole().within_slo;
    view.window_finished = replay.whole().finished;
    view.ttft = replay.whole().ttft;
    view.tpot = replay.whole().tpot;
    view.e2e = replay.whole().e2e;
    view.pools = api::pools_of(replay.scenario());
    json::object run = api::run_json(view);
    for (const char* of_the_daemon : {"color", "created_ms", "finished_ms"}) run.erase(of_the_daemon);
    if (stream.empty()) {
        run.erase("id");
        run.erase("stream");
    }
    run["kv_usage_peak"] = replay.kv_usage_peak();
    run["wall_ms"] = wall_s * 1e3;
    return run;
}

std::string summary(const ReplayOptions& options, const Session& session) {
    json::array runs;
    const std::string stream = session.recording ? session.recording->stream() : "";
    for (const auto& replay : session.replays) runs.push_back(run_object(*replay, stream));
    if (options.mode == OutputMode::json) {
        const TraceStats stats = session.trace.file().stats();
        json::object out{{"trace", options.trace.path},
                         {"arrivals", session.trace.taken()},
                         {"failed_rows_skipped", stats.failed_rows_skipped},
                         {"repeated_ids", session.trace.repeated_ids()},
                         {"ignored_fields", json::array(stats.ignored_fields.begin(), stats.ignored_fields.end())}};
        if (session.recording) out["db"] = json::object{{"path", options.db}, {"stream", stream}};
        out["runs"] = std::move(runs);
        return json::serialize(out) + '\n';
    }
    std::string out = options.trace.path + ": " + count_text(session.trace.taken()) + " arrivals";
    if (session.recording) out += ", recorded in " + options.db + " as stream " + stream;
    return out + "\n\n" + comparison_table(runs);
}

}  // namespace

Result<ExitStatus> replay(const ReplayOptions& options) {
    if (!options.stream.empty() && options.db.empty()) {
        return fail(Code::invalid_argument, "--stream names the stream in a history: expected --db with it");
    }
    auto session = prepare(options);
    if (!session) return tl::unexpected(session.error());
    auto done = run_to_end(*session);
    if (session->recording) {
        auto ended = done ? session->recording->finish(session->replays)
                          : session->recording->abandon(session->replays, done.error().message);
        if (done) done = std::move(ended);
    }
    if (!done) return tl::unexpected(done.error());
    for (const std::string& remark : session->trace.remarks()) note(remark);
    return print(summary(options, *session)).map([] { return ExitStatus::ok; });
}

}  // namespace replayd::ctl
