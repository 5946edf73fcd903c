#include "storage/prune.hpp"

#include <array>
#include <filesystem>
#include <utility>

#include "storage/connection.hpp"
#include "storage/schema.hpp"

namespace replayd::storage {
namespace {

struct OldStream {
    std::int64_t id = 0;
    std::string name;
    std::int64_t created_ms = 0;
};

constexpr const char* k_streams_over =
    "SELECT id, name, created_ms FROM stream WHERE ended = 1 AND NOT EXISTS (SELECT 1 FROM run WHERE "
    "run.stream_id = stream.id AND state NOT IN ('finished', 'failed')) ORDER BY created_ms, id";

/// Rows of the runs of a stream, then its runs, then its log: the stream itself goes last. Each deletes one step.
constexpr std::array<const char*, 7> k_run_tables = {"request", "residual_window", "replica_window", "pool_window",
                                                     "window",  "memory_plan",    "pool"};

Result<std::vector<OldStream>> streams_over(Connection& connection) {
    auto rows = connection.prepare(k_streams_over);
    if (!rows) return tl::unexpected(rows.error());
    std::vector<OldStream> streams;
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return streams;
        streams.push_back({rows->integer(0), rows->text(1), rows->integer(2)});
    }
}

Result<std::int64_t> used_bytes(Connection& connection) {
    const auto pages = connection.query_integer("PRAGMA page_count");
    if (!pages) return pages;
    const auto free = connection.query_integer("PRAGMA freelist_count");
    if (!free) return free;
    const auto size = connection.query_integer("PRAGMA page_size");
    if (!size) return size;
    return (*pages - *free) * *size;
}

/// Deletes in steps until nothing is left; `sql` deletes at most a step of the rows of id ?1.
Result<std::int64_t> delete_in_steps(Connection& connection, const std::string& sql, std::int64_t id) {
    auto statement = connection.prepare(sql);
    if (!statement) return tl::unexpected(statement.error());
    std::int64_t deleted = 0;
    for (;;) {
        auto transaction = Transaction::begin(connection);
        if (!transaction) return tl::unexpected(transaction.error());
        statement->bind(1, id);
        if (auto done = statement->run(); !done) return tl::unexpected(done.error());
        const std::int64_t step = connection.rows_changed();
        if (auto done = transaction->commit(); !done) return tl::unexpected(done.error());
        deleted += step;
        if (step == 0) return deleted;
    }
}

/// The tables with and without rowid are cut alike: by their first key columns.
std::string delete_of_run(const std::string& table) {
    const std::string limit = " LIMIT " + std::to_string(k_prune_step_rows);
    if (table == "request") {
        return "DELETE FROM request WHERE run_id = ?1 AND sequence IN (SELECT sequence FROM request WHERE run_id = ?1 "
               "ORDER BY sequence" +
               limit + ")";
    }
    const std::string key = table == "memory_plan" || table == "pool" ? "pool" : "start_ns";
    // All rows of a window or a pool go together: a few hundred at most.
    return "DELETE FROM " + table + " WHERE run_id = ?1 AND " + key + " IN (SELECT DISTINCT " + key + " FROM " + table +
           " WHERE run_id = ?1 ORDER BY " + key + " LIMIT 100)";
}

Result<std::int64_t> remove_runs(Connection& connection, std::int64_t stream_id) {
    std::int64_t rows = 0;
    for (;;) {
        auto run = connection.prepare("SELECT id FROM run WHERE stream_id = ?1 LIMIT 1");
        if (!run) return tl::unexpected(run.error());
        run->bind(1, stream_id);
        const auto there = run->step();
        if (!there) return tl::unexpected(there.error());
        if (!*there) return rows;
        const std::int64_t id = run->integer(0);
        run->reset();
        for (const char* table : k_run_tables) {
            auto deleted = delete_in_steps(connection, delete_of_run(table), id);
            if (!deleted) return deleted;
            rows += *deleted;
        }
        auto deleted = delete_in_steps(connection, "DELETE FROM run WHERE id = ?1", id);
        if (!deleted) return deleted;
        rows += *deleted;
    }
}

/// The log goes from its end, so that what is left of it has no gap.
Result<std::int64_t> remove_stream(Connection& connection, std::int64_t stream_id) {
    std::int64_t rows = 0;
    auto deleted = remove_runs(connection, stream_id);
    if (!deleted) return deleted;
    rows += *deleted;
    for (const char* sql : {"DELETE FROM arrival_batch WHERE stream_id = ?1 AND seq IN (SELECT seq FROM arrival_batch "
                            "WHERE stream_id = ?1 ORDER BY seq DESC LIMIT 100)",
                            "DELETE FROM stream WHERE id = ?1"}) {
        deleted = delete_in_steps(connection, sql, stream_id);
        if (!deleted) return deleted;
        rows += *deleted;
    }
    return rows;
}

Result<void> check_name(Connection& connection, const std::string& name, const std::vector<OldStream>& over) {
    if (name.empty()) return {};
    for (const OldStream& stream : over) {
        if (stream.name == name) return {};
    }
    auto find = connection.prepare("SELECT 1 FROM stream WHERE name = ?1");
    if (!find) return tl::unexpected(find.error());
    find->bind(1, name);
    const auto there = find->step();
    if (!there) return tl::unexpected(there.error());
    if (!*there) return fail(Code::not_found, "no stream '" + name + "' in the history");
    return fail(
        Code::failed_state,
        "stream '" + name + "' is not over: expected one that has ended and whose runs are finished; end it first");
}

}  // namespace

Result<Pruned> prune(const std::string& path, const Retention& retention) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) {
        return fail(Code::not_found, "no history at " + path + ": name the file that the daemon writes");
    }
    if (auto ours = check_file(path); !ours) return tl::unexpected(ours.error());
    auto connection = Connection::open(path, Access::read_write);
    if (!connection) return tl::unexpected(connection.error());
    if (auto ours = check_connection(*connection); !ours) return tl::unexpected(ours.error());
    const auto over = streams_over(*connection);
    if (!over) return tl::unexpected(over.error());
    if (auto known = check_name(*connection, retention.stream, *over); !known) return tl::unexpected(known.error());
    Pruned pruned;
    const auto before = used_bytes(*connection);
    if (!before) return tl::unexpected(before.error());
    pruned.bytes_before = pruned.bytes_after = *before;
    for (const OldStream& stream : *over) {
        const bool too_old = stream.created_ms < retention.created_before_ms;
        const bool too_big = retention.bytes_max > 0 && pruned.bytes_after > retention.bytes_max;
        if (!too_old && !too_big && stream.name != retention.stream) continue;
        const auto rows = remove_stream(*connection, stream.id);
        if (!rows) return tl::unexpected(rows.error());
        pruned.rows += *rows;
        pruned.streams.push_back(stream.name);
        const auto after = used_bytes(*connection);
        if (!after) return tl::unexpected(after.error());
        pruned.bytes_after = *after;
    }
    if (pruned.streams.empty()) return pruned;
    // Scenarios that no run refers to any more are a few rows.
    auto swept = connection->execute("DELETE FROM scenario WHERE id NOT IN (SELECT scenario_id FROM run)");
    if (!swept) return tl::unexpected(swept.error());
    return pruned;
}

}  // namespace replayd::storage
