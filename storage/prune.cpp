#include "storage/prune.hpp"

#include <array>
#include <filesystem>
#include <utility>

#include "storage/schema.hpp"

namespace replayd::storage {
namespace {

constexpr const char* k_streams_over =
    "SELECT id, name, created_ms, NOT EXISTS (SELECT 1 FROM run WHERE run.stream_id = stream.id) OR EXISTS (SELECT 1 "
    "FROM run WHERE run.stream_id = stream.id AND NOT EXISTS (SELECT 1 FROM pool WHERE pool.run_id = run.id)) FROM "
    "stream WHERE ended = 1 AND NOT EXISTS (SELECT 1 FROM run WHERE "
    "run.stream_id = stream.id AND state NOT IN ('finished', 'failed') AND stopped = 0) ORDER BY created_ms, id";

/// The tables with rows of a run, which go before the run.
constexpr std::array<const char*, 6> k_run_tables = {"request",     "residual_window", "replica_window",
                                                     "pool_window", "window",          "memory_plan"};

/// Runs one deletion of rows of id ?1; how many went.
Result<std::int64_t> delete_rows(Connection& connection, const std::string& sql, std::int64_t id) {
    auto statement = connection.prepare(sql);
    if (!statement) return tl::unexpected(statement.error());
    statement->bind(1, id);
    if (auto done = statement->run(); !done) return tl::unexpected(done.error());
    return connection.rows_changed();
}

/// The tables with and without rowid are cut alike: by their first key columns.
std::string delete_of_run(const std::string& table) {
    const std::string limit = " LIMIT " + std::to_string(k_prune_step_rows);
    if (table == "request") {
        return "DELETE FROM request WHERE run_id = ?1 AND sequence IN (SELECT sequence FROM request WHERE run_id = ?1 "
               "ORDER BY sequence" +
               limit + ")";
    }
    const std::string key = table == "memory_plan" ? "pool" : "start_ns";
    // All rows of a window or a pool go together: a few hundred at most.
    return "DELETE FROM " + table + " WHERE run_id = ?1 AND " + key + " IN (SELECT DISTINCT " + key + " FROM " + table +
           " WHERE run_id = ?1 ORDER BY " + key + " LIMIT 100)";
}

/// Deletes a step of the stream's oldest run, the run itself last; 0: the stream has no run. The pools of all its runs,
/// a few rows, go first: a run without any says that a removal was begun.
Result<std::int64_t> remove_of_runs(Connection& connection, std::int64_t stream_id) {
    auto pools = delete_rows(connection, "DELETE FROM pool WHERE run_id IN (SELECT id FROM run WHERE stream_id = ?1)",
                             stream_id);
    if (!pools || *pools > 0) return pools;
    auto run = connection.prepare("SELECT id FROM run WHERE stream_id = ?1 ORDER BY id LIMIT 1");
    if (!run) return tl::unexpected(run.error());
    run->bind(1, stream_id);
    const auto there = run->step();
    if (!there) return tl::unexpected(there.error());
    if (!*there) return 0;
    const std::int64_t id = run->integer(0);
    run->reset();
    for (const char* table : k_run_tables) {
        auto deleted = delete_rows(connection, delete_of_run(table), id);
        if (!deleted || *deleted > 0) return deleted;
    }
    return delete_rows(connection, "DELETE FROM run WHERE id = ?1", id);
}

/// Deletes a step of the log, then the stream; 0: it is gone. The log goes from its end, so that what is left has no
/// gap.
Result<std::int64_t> remove_of_log(Connection& connection, std::int64_t stream_id) {
    auto deleted = delete_rows(connection,
                               "DELETE FROM arrival_batch WHERE stream_id = ?1 AND seq IN (SELECT seq FROM "
                               "arrival_batch WHERE stream_id = ?1 ORDER BY seq DESC LIMIT 100)",
                               stream_id);
    if (!deleted || *deleted > 0) return deleted;
    return delete_rows(connection, "DELETE FROM stream WHERE id = ?1", stream_id);
}

Result<void> check_name(Pruner& pruner, const std::string& name, const std::vector<StreamOver>& over) {
    if (name.empty()) return {};
    for (const StreamOver& stream : over) {
        if (stream.name == name) return {};
    }
    const auto there = pruner.has_stream(name);
    if (!there) return tl::unexpected(there.error());
    if (!*there) return fail(Code::not_found, "no stream '" + name + "' in the history");
    return fail(
        Code::failed_state,
        "stream '" + name + "' is not over: expected one that has ended and whose runs are finished; end it first");
}

/// Takes the whole stream out; how many rows went.
Result<std::int64_t> remove_stream(Pruner& pruner, std::int64_t stream_id) {
    std::int64_t rows = 0;
    for (;;) {
        const auto step = pruner.step(stream_id);
        if (!step) return step;
        if (*step == 0) return rows;
        rows += *step;
    }
}

}  // namespace

Result<Pruner> Pruner::open(const std::string& path) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) {
        return fail(Code::not_found, "no history at " + path + ": name the file that the daemon writes");
    }
    if (auto ours = check_file(path); !ours) return tl::unexpected(ours.error());
    auto connection = Connection::open(path, Access::read_write);
    if (!connection) return tl::unexpected(connection.error());
    if (auto ours = check_connection(*connection); !ours) return tl::unexpected(ours.error());
    return Pruner(std::move(*connection));
}

Result<std::vector<StreamOver>> Pruner::streams_over() {
    auto rows = connection_.prepare(k_streams_over);
    if (!rows) return tl::unexpected(rows.error());
    std::vector<StreamOver> streams;
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return streams;
        streams.push_back({rows->integer(0), rows->text(1), rows->integer(2), rows->integer(3) != 0});
    }
}

Result<bool> Pruner::has_stream(const std::string& name) {
    auto find = connection_.prepare("SELECT 1 FROM stream WHERE name = ?1");
    if (!find) return tl::unexpected(find.error());
    find->bind(1, name);
    return find->step();
}

Result<std::int64_t> Pruner::used_bytes() {
    const auto pages = connection_.query_integer("PRAGMA page_count");
    if (!pages) return pages;
    const auto free = connection_.query_integer("PRAGMA freelist_count");
    if (!free) return free;
    const auto size = connection_.query_integer("PRAGMA page_size");
    if (!size) return size;
    return (*pages - *free) * *size;
}

Result<std::int64_t> Pruner::step(std::int64_t stream_id) {
    auto transaction = Transaction::begin(connection_);
    if (!transaction) return tl::unexpected(transaction.error());
    auto deleted = remove_of_runs(connection_, stream_id);
    if (deleted && *deleted == 0) deleted = remove_of_log(connection_, stream_id);
    if (!deleted) return deleted;
    if (auto done = transaction->commit(); !done) return tl::unexpected(done.error());
    return deleted;
}

Result<void> Pruner::sweep() {
    return connection_.execute("DELETE FROM scenario WHERE id NOT IN (SELECT scenario_id FROM run)");
}

Result<Pruned> prune(const std::string& path, const Retention& retention) {
    auto pruner = Pruner::open(path);
    if (!pruner) return tl::unexpected(pruner.error());
    const auto over = pruner->streams_over();
    if (!over) return tl::unexpected(over.error());
    if (auto known = check_name(*pruner, retention.stream, *over); !known) return tl::unexpected(known.error());
    Pruned pruned;
    const auto before = pruner->used_bytes();
    if (!before) return tl::unexpected(before.error());
    pruned.bytes_before = pruned.bytes_after = *before;
    for (const StreamOver& stream : *over) {
        const bool too_old = stream.created_ms < retention.created_before_ms;
        const bool too_big = retention.bytes_max > 0 && pruned.bytes_after > retention.bytes_max;
        if (!too_old && !too_big && !stream.begun && stream.name != retention.stream) continue;
        const auto rows = remove_stream(*pruner, stream.id);
        if (!rows) return tl::unexpected(rows.error());
        pruned.rows += *rows;
        pruned.streams.push_back(stream.name);
        const auto after = pruner->used_bytes();
        if (!after) return tl::unexpected(after.error());
        pruned.bytes_after = *after;
    }
    if (pruned.streams.empty()) return pruned;
    if (auto swept = pruner->sweep(); !swept) return tl::unexpected(swept.error());
    return pruned;
}

}  // namespace replayd::storage
