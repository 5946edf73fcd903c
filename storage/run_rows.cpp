#include "storage/run_rows.hpp"

#include <optional>
#include <string>
#include <utility>

#include "storage/plan_rows.hpp"

namespace replayd::storage {
namespace {

constexpr std::array<std::string_view, 5> k_state_names = {"running", "finished", "failed", "interrupted", "stopped"};

void bind_or_null(Statement& statement, int parameter, std::string_view text) {
    if (text.empty()) {
        statement.bind_null(parameter);
    } else {
        statement.bind(parameter, text);
    }
}

void bind_or_null(Statement& statement, int parameter, std::int64_t value) {
    if (value == 0) {
        statement.bind_null(parameter);
    } else {
        statement.bind(parameter, value);
    }
}

/// The id in the first column of the first row, if there is a row.
Result<std::optional<std::int64_t>> find_id(Statement& statement) {
    const auto row = statement.step();
    if (!row) return tl::unexpected(row.error());
    std::optional<std::int64_t> id;
    if (*row) id = statement.integer(0);
    statement.reset();
    return id;
}

Result<std::optional<std::int64_t>> find_stream(Connection& connection, const std::string& name) {
    auto find = connection.prepare("SELECT id FROM stream WHERE name = ?");
    if (!find) return tl::unexpected(find.error());
    find->bind(1, name);
    return find_id(*find);
}

Result<std::int64_t> find_or_insert_scenario(Connection& connection, const RunRow& run,
                                             const Scenario& scenario) {
    auto find = connection.prepare("SELECT id FROM scenario WHERE name = ? AND toml = ?");
    if (!find) return tl::unexpected(find.error());
    find->bind(1, run.scenario);
    find->bind(2, run.scenario_toml);
    const auto known = find_id(*find);
    if (!known) return tl::unexpected(known.error());
    if (*known) return **known;

    std::int64_t gpus = 0;
    for (const PoolSpec& pool : scenario.pools) gpus += pool.replicas * pool.gpus_per_replica();
    auto insert = connection.prepare(
        "INSERT INTO scenario (name, description, model, disaggregated, gpus, slo_ttft_ns, slo_tpot_ns, window_ns, "
        "toml) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    if (!insert) return tl::unexpected(insert.error());
    insert->bind(1, run.scenario);
    insert->bind(2, scenario.description);
    insert->bind(3, scenario.model.name);
    insert->bind(4, std::int64_t{scenario.disaggregated()});
    insert->bind(5, gpus);
    bind_or_null(*insert, 6, scenario.slo.ttft.value);
    bind_or_null(*insert, 7, scenario.slo.tpot.value);
    insert->bind(8, scenario.window.value);
    insert->bind(9, run.scenario_toml);
    if (auto done = insert->run(); !done) return tl::unexpected(done.error());
    return connection.last_insert_rowid();
}

Result<void> check_plans(const RunRow& run, const std::vector<MemoryPlan>& plans, const Scenario& scenario) {
    if (plans.size() == scenario.pools.size()) return {};
    return fail(Code::invalid_argument, "run of scenario '" + run.scenario + "': it has " +
                                            std::to_string(plans.size()) + " memory plans, expected " +
                                            std::to_string(scenario.pools.size()) + ", one per pool");
}

/// Refuses to overwrite a finished run with another result: the same run must end in the same hash.
Result<void> check_totals(Connection& connection, std::int64_t run_id, const RunTotals& totals) {
    auto find = connection.prepare("SELECT state, hash FROM run WHERE id = ?");
    if (!find) return tl::unexpected(find.error());
    find->bind(1, run_id);
    const auto row = find->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return fail(Code::not_found, "no run " + std::to_string(run_id) + " in the history");
    const std::string hash = find->text(1);
    if (find->text(0) != "finished" || hash == totals.hash) return {};
    return fail(Code::failed_state, "run " + std::to_string(run_id) + " finished before with hash " + hash +
                                        ": it cannot end again with hash '" + totals.hash + "'");
}

}  // namespace

std::string_view to_text(RunState state) { return k_state_names[static_cast<std::size_t>(state)]; }

RunState run_state_of(std::string_view text) {
    for (std::size_t i = 0; i < k_state_names.size(); ++i) {
        if (k_state_names[i] == text) return static_cast<RunState>(i);
    }
    return RunState::failed;
}

Result<std::int64_t> insert_stream(Connection& connection, const StreamRow& stream) {
    const auto known = find_stream(connection, stream.name);
    if (!known) return tl::unexpected(known.error());
    if (*known) return fail(Code::already_exists, "a stream named '" + stream.name + "' exists: choose another name");
    auto insert = connection.prepare(
        "INSERT INTO stream (name, speed, created_ms, ended, paused, traced_system, request_rows) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)");
    if (!insert) return tl::unexpected(insert.error());
    insert->bind(1, stream.name);
    insert->bind(2, stream.speed);
    insert->bind(3, stream.created_ms);
    insert->bind(4, std::int64_t{stream.ended});
    insert->bind(5, std::int64_t{stream.paused});
    bind_or_null(*insert, 6, stream.traced_system);
    insert->bind(7, stream.request_rows);
    if (auto done = insert->run(); !done) return tl::unexpected(done.error());
    return connection.last_insert_rowid();
}

Result<void> rewrite_stream(Connection& connection, const StreamRow& stream) {
    auto update = connection.prepare(
        "UPDATE stream SET speed = ?, ended = ?, paused = ?, traced_system = ? WHERE id = ?");
    if (!update) return tl::unexpected(update.error());
    update->bind(1, stream.speed);
    update->bind(2, std::int64_t{stream.ended});
    update->bind(3, std::int64_t{stream.paused});
    bind_or_null(*update, 4, stream.traced_system);
    update->bind(5, stream.id);
    if (auto done = update->run(); !done) return done;
    if (connection.rows_changed() == 1) return {};
    return fail(Code::not_found, "no stream " + std::to_string(stream.id) + " in the history");
}

Result<std::int64_t> insert_run(Connection& connection, const RunRow& run,
                                const std::vector<MemoryPlan>& plans, const Scenario& scenario) {
    if (auto fits = check_plans(run, plans, scenario); !fits) return tl::unexpected(fits.error());
    auto stream = connection.prepare("SELECT id FROM stream WHERE id = ?");
    if (!stream) return tl::unexpected(stream.error());
    stream->bind(1, run.stream_id);
    const auto known = find_id(*stream);
    if (!known) return tl::unexpected(known.error());
    if (!*known) return fail(Code::not_found, "no stream " + std::to_string(run.stream_id) + " in the history");

    const auto scenario_id = find_or_insert_scenario(connection, run, scenario);
    if (!scenario_id) return scenario_id;
    auto insert = connection.prepare(
        "INSERT INTO run (stream_id, scenario_id, engine_version, created_ms, state, forked_from, fork_ns) "
        "VALUES (?, ?, ?, ?, 'running', ?, ?)");
    if (!insert) return tl::unexpected(insert.error());
    insert->bind(1, run.stream_id);
    insert->bind(2, *scenario_id);
    insert->bind(3, run.engine_version);
    insert->bind(4, run.created_ms);
    bind_or_null(*insert, 5, run.forked_from);
    bind_or_null(*insert, 6, run.forked_at.ns);
    if (auto done = insert->run(); !done) return tl::unexpected(done.error());
    const std::int64_t run_id = connection.last_insert_rowid();
    for (std::size_t i = 0; i < plans.size(); ++i) {
        auto added = insert_plan(connection, run_id, static_cast<std::int64_t>(i), scenario.pools[i], plans[i]);
        if (!added) return tl::unexpected(added.error());
    }
    return run_id;
}

Result<AddedStream> insert_stream_with_runs(Connection& connection, const StreamRow& stream,
                                            const std::vector<NewRun>& runs) {
    // An error that is the caller's own must come before anything is written.
    for (const NewRun& run : runs) {
        if (auto fits = check_plans(run.row, run.plans, run.scenario); !fits) return tl::unexpected(fits.error());
    }
    AddedStream added{stream, {}};
    const auto stream_id = insert_stream(connection, stream);
    if (!stream_id) return tl::unexpected(stream_id.error());
    added.stream.id = *stream_id;
    for (const NewRun& run : runs) {
        RunRow row = run.row;
        row.stream_id = *stream_id;
        const auto id = insert_run(connection, row, run.plans, run.scenario);
        if (!id) return tl::unexpected(id.error());
        row.id = *id;
        added.runs.push_back(std::move(row));
    }
    return added;
}

Result<void> rewrite_totals(Connection& connection, std::int64_t run_id, const RunTotals& totals) {
    if (auto fits = check_totals(connection, run_id, totals); !fits) return fits;
    std::string sql =
        "UPDATE run SET state = ?, finished_ms = ?, hash = ?, failure = ?, stopped = ?, request_rows_left_out = ?";
    for (const auto column : k_snapshot_columns) sql.append(", ").append(column).append(" = ?");
    auto update = connection.prepare(sql + " WHERE id = ?");
    if (!update) return tl::unexpected(update.error());
    // The first schema's CHECK does not know the name "stopped".
    const bool stopped = totals.state == RunState::stopped;
    update->bind(1, to_text(stopped ? RunState::interrupted : totals.state));
    bind_or_null(*update, 2, totals.finished_ms);
    bind_or_null(*update, 3, totals.hash);
    bind_or_null(*update, 4, totals.failure);
    update->bind(5, std::int64_t{stopped ? 1 : 0});
    update->bind(6, totals.request_rows_left_out);
    int parameter = 7;
    for (const std::int64_t* value : integers_of(totals.snapshot)) update->bind(parameter++, *value);
    update->bind(parameter, run_id);
    return update->run();
}

Result<bool> run_exists(Connection& connection, std::int64_t run_id) {
    auto find = connection.prepare("SELECT id FROM run WHERE id = ?");
    if (!find) return tl::unexpected(find.error());
    find->bind(1, run_id);
    const auto id = find_id(*find);
    if (!id) return tl::unexpected(id.error());
    return id->has_value();
}

Result<std::vector<StreamRow>> read_streams(Connection& connection) {
    auto rows = connection.prepare(
        "SELECT id, name, speed, created_ms, ended, paused, traced_system, request_rows FROM stream ORDER BY id");
    if (!rows) return tl::unexpected(rows.error());
    std::vector<StreamRow> streams;
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return streams;
        streams.push_back(StreamRow{rows->integer(0), rows->text(1), rows->real(2), rows->integer(3),
                                    rows->integer(4) != 0, rows->integer(5) != 0, rows->text(6), rows->text(7)});
    }
}

Result<std::vector<RunRow>> read_unfinished_runs(Connection& connection, std::int64_t stream_id) {
    auto rows = connection.prepare(
        "SELECT run.id, scenario.name, scenario.toml, run.engine_version, run.created_ms, run.forked_from, run.fork_ns "
        "FROM run JOIN scenario ON scenario.id = run.scenario_id "
        "WHERE run.stream_id = ? AND run.state IN ('running', 'interrupted') AND NOT run.stopped ORDER BY run.id");
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, stream_id);
    std::vector<RunRow> runs;
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return runs;
        runs.push_back(RunRow{rows->integer(0), stream_id, rows->text(1), rows->text(2), rows->text(3),
                              rows->integer(4), rows->integer(5), VirtualTime(rows->integer(6))});
    }
}

}  // namespace replayd::storage
