#include "storage/query.hpp"

#include <filesystem>
#include <utility>

#include "storage/log_rows.hpp"
#include "storage/plan_rows.hpp"
#include "storage/request_policy.hpp"
#include "storage/request_rows.hpp"
#include "storage/residual_rows.hpp"
#include "storage/run_rows.hpp"
#include "storage/schema.hpp"
#include "storage/window_rows.hpp"

namespace replayd::storage {
namespace {

// SQLite's default of 2 MB makes scans of a big table re-read pages; 16 MB holds the inner nodes of any history.
constexpr const char* k_reader_setup = "PRAGMA query_only = 1; PRAGMA cache_size = -16000";

std::string select_runs() {
    std::string sql =
        "SELECT run.id, run.stream_id, scenario.name, scenario.toml, run.engine_version, run.created_ms, "
        "stream.name, CASE WHEN run.stopped THEN 'stopped' ELSE run.state END, run.finished_ms, run.hash, "
        "run.failure, run.forked_from, run.fork_ns, stream.request_rows, run.request_rows_left_out";
    for (const auto column : k_snapshot_columns) sql.append(", run.").append(column);
    return sql + ", scenario.description, scenario.model, scenario.disaggregated, scenario.gpus, "
                 "scenario.slo_ttft_ns, scenario.slo_tpot_ns, scenario.window_ns FROM run "
                 "JOIN stream ON stream.id = run.stream_id JOIN scenario ON scenario.id = run.scenario_id ";
}

RunInfo read_run(const Statement& row) {
    RunInfo info;
    info.row = RunRow{row.integer(0), row.integer(1),  row.text(2),     row.text(3),
                      row.text(4),    row.integer(5),  row.integer(11), VirtualTime(row.integer(12))};
    info.stream = row.text(6);
    info.totals.state = run_state_of(row.text(7));
    info.totals.finished_ms = row.integer(8);
    info.totals.hash = row.text(9);
    info.totals.failure = row.text(10);
    info.request_rows = row.text(13);
    info.totals.request_rows_left_out = row.integer(14);
    int column = 15;
    for (std::int64_t* value : integers_of(info.totals.snapshot)) *value = row.integer(column++);
    info.description = row.text(column++);
    info.model = row.text(column++);
    info.disaggregated = row.integer(column++) != 0;
    info.gpus = row.integer(column++);
    for (Duration* duration : {&info.slo_ttft, &info.slo_tpot, &info.window}) {
        *duration = Duration(row.integer(column++));
    }
    return info;
}

Result<void> read_pools(Connection& connection, RunInfo& info) {
    auto rows = connection.prepare("SELECT name, role, gpu, replicas, gpus FROM pool WHERE run_id = ? ORDER BY pool");
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, info.row.id);
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return {};
        info.pools.push_back(
            PoolInfo{rows->text(0), rows->text(1), rows->text(2), rows->integer(3), rows->integer(4)});
    }
}

Result<std::vector<RunInfo>> read_runs(Connection& connection, Statement& rows) {
    std::vector<RunInfo> runs;
    for (;;) {
        const auto row = rows.step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) break;
        runs.push_back(read_run(rows));
    }
    for (RunInfo& run : runs) {
        if (auto pools = read_pools(connection, run); !pools) return tl::unexpected(pools.error());
    }
    return runs;
}

/// WHERE and ORDER BY of a list of requests; the run is parameter 1.
std::string clauses_of(const RequestFilter& filter) {
    std::string text = " WHERE run_id = ?1";
    if (filter.order == RequestOrder::slowest_ttft) text += " AND outcome = 'finished'";
    if (filter.outcome) {
        text += *filter.outcome == Outcome::finished ? " AND outcome = 'finished'" : " AND outcome = 'rejected'";
    }
    switch (filter.order) {
        case RequestOrder::recent: return text + " ORDER BY sequence DESC";
        case RequestOrder::slowest_ttft:
            return text + " ORDER BY first_token_ns - arrived_ns DESC, sequence";
        case RequestOrder::slowest_e2e: break;
    }
    return text + " ORDER BY finished_ns - arrived_ns DESC, sequence";
}

/// RequestPolicy of the run's stream; "all" for an unknown run.
Result<std::string> policy_of(Connection& connection, std::int64_t run_id) {
    auto rows = connection.prepare(
        "SELECT stream.request_rows FROM run JOIN stream ON stream.id = run.stream_id WHERE run.id = ?");
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, run_id);
    const auto row = rows->step();
    if (!row) return tl::unexpected(row.error());
    return *row ? rows->text(0) : "all";
}

Result<void> check_limit(std::size_t limit) {
    if (limit >= 1) return {};
    return fail(Code::invalid_argument, "limit is 0: expected 1 or more");
}

}  // namespace

Result<std::unique_ptr<Reader>> Reader::open(const std::string& path) {
    std::error_code ignored;
    if (!path.empty() && !std::filesystem::exists(path, ignored)) {
        return fail(Code::not_found, "no history at " + path + ": run the daemon or `replayctl replay --db` first, "
                                     "or name another file");
    }
    if (auto ours = check_file(path); !ours) return tl::unexpected(ours.error());
    auto connection = Connection::open(path, Access::read_only);
    if (!connection) return tl::unexpected(connection.error());
    if (auto ours = check_connection(*connection); !ours) return tl::unexpected(ours.error());
    const auto version = connection->query_integer("PRAGMA user_version");
    if (!version) return tl::unexpected(version.error());
    if (*version < k_schema_version) {
        return fail(Code::failed_state, "history " + path + ": it has schema version " + std::to_string(*version) +
                                            ", expected " + std::to_string(k_schema_version) +
                                            ": start the daemon once to migrate it");
    }
    if (auto set = connection->execute(k_reader_setup); !set) return tl::unexpected(set.error());
    return std::unique_ptr<Reader>(new Reader(std::move(*connection)));
}

Result<Table> Reader::query(std::string_view sql, const QueryLimits& limits) {
    return guard_.query(sql, limits);
}

Result<std::vector<StreamInfo>> Reader::streams() {
    auto rows = read_streams(connection_);
    if (!rows) return tl::unexpected(rows.error());
    auto last = connection_.prepare(
        "SELECT seq, arrivals_total, watermark_ns FROM arrival_batch WHERE stream_id = ? ORDER BY seq DESC LIMIT 1");
    if (!last) return tl::unexpected(last.error());
    std::vector<StreamInfo> streams;
    for (StreamRow& row : *rows) {
        StreamInfo info;
        last->bind(1, row.id);
        const auto found = last->step();
        if (!found) return tl::unexpected(found.error());
        if (*found) {
            info.batches = last->integer(0);
            info.arrivals = last->integer(1);
            info.watermark = VirtualTime(last->integer(2));
        }
        last->reset();
        info.row = std::move(row);
        streams.push_back(std::move(info));
    }
    return streams;
}

Result<std::vector<RunInfo>> Reader::runs(const RunFilter& filter) {
    if (auto valid = check_limit(filter.limit); !valid) return tl::unexpected(valid.error());
    auto rows = connection_.prepare(select_runs() + "WHERE ?1 = '' OR stream.name = ?1 ORDER BY run.id DESC LIMIT ?2");
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, filter.stream);
    rows->bind(2, static_cast<std::int64_t>(filter.limit));
    return read_runs(connection_, *rows);
}

Result<RunInfo> Reader::run(std::int64_t run_id) {
    auto rows = connection_.prepare(select_runs() + "WHERE run.id = ?");
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, run_id);
    auto runs = read_runs(connection_, *rows);
    if (!runs) return tl::unexpected(runs.error());
    if (runs->empty()) return fail(Code::not_found, "no run " + std::to_string(run_id) + " in the history");
    return std::move(runs->front());
}

Result<std::vector<MemoryPlan>> Reader::plans(std::int64_t run_id) { return read_plans(connection_, run_id); }

Result<std::vector<ReplicaSeries>> Reader::replicas(std::int64_t run_id, std::size_t limit) {
    if (auto valid = check_limit(limit); !valid) return tl::unexpected(valid.error());
    return read_replica_series(connection_, run_id, limit);
}

Result<std::vector<ResidualWindow>> Reader::residuals(std::int64_t run_id, VirtualTime from, std::size_t limit) {
    REPLAYD_ASSERT(limit >= 1);
    return read_residuals(connection_, run_id, from, limit);
}

Result<std::vector<WindowRecord>> Reader::windows(std::int64_t run_id, VirtualTime from, std::size_t limit) {
    if (auto valid = check_limit(limit); !valid) return tl::unexpected(valid.error());
    return read_windows(connection_, run_id, from, limit);
}

Result<std::vector<LoggedBatch>> Reader::batches(std::int64_t stream_id, std::uint64_t from, std::size_t limit) {
    return read_batches(connection_, stream_id, from, limit);
}

Result<WindowRecord> Reader::whole_run(std::int64_t run_id) {
    auto windows = read_windows(connection_, run_id, VirtualTime(0), 1);
    if (!windows) return tl::unexpected(windows.error());
    return windows->empty() ? WindowRecord{} : std::move(windows->front());
}

Result<std::vector<RequestRecord>> Reader::requests(std::int64_t run_id, const RequestFilter& filter) {
    if (auto valid = check_limit(filter.limit); !valid) return tl::unexpected(valid.error());
    auto rows = connection_.prepare("SELECT " + request_columns() + " FROM request" + clauses_of(filter) + " LIMIT ?2");
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, run_id);
    rows->bind(2, static_cast<std::int64_t>(filter.limit));
    std::vector<RequestRecord> records;
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return records;
        records.push_back(read_request(*rows, 0));
    }
}

Result<RequestRecord> Reader::request(std::int64_t run_id, std::int64_t sequence) {
    auto rows = connection_.prepare("SELECT " + request_columns() + " FROM request WHERE run_id = ? AND sequence = ?");
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, run_id);
    rows->bind(2, sequence);
    const auto row = rows->step();
    if (!row) return tl::unexpected(row.error());
    if (*row) return read_request(*rows, 0);
    const auto policy = policy_of(connection_, run_id);
    if (!policy) return tl::unexpected(policy.error());
    return fail(Code::not_found, "no request " + std::to_string(sequence) + " of run " + std::to_string(run_id) +
                                     " in the history: it has not finished yet, or never arrived" +
                                     policy_remark(*policy));
}

Result<std::vector<RunRequest>> Reader::requests_by_id(std::string_view id, std::optional<std::int64_t> run_id) {
    auto rows = connection_.prepare(
        "SELECT request.run_id, stream.name, scenario.name, " + request_columns() +
        " FROM request JOIN run ON run.id = request.run_id JOIN stream ON stream.id = run.stream_id "
        "JOIN scenario ON scenario.id = run.scenario_id "
        "WHERE request.id = ?1 AND (?2 IS NULL OR request.run_id = ?2) ORDER BY request.run_id, request.sequence");
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, id);
    if (run_id) {
        rows->bind(2, *run_id);
    } else {
        rows->bind_null(2);
    }
    std::vector<RunRequest> requests;
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return requests;
        requests.push_back(RunRequest{rows->integer(0), rows->text(1), rows->text(2), read_request(*rows, 3)});
    }
}

Result<RunComparison> Reader::compare(std::int64_t run_a, std::int64_t run_b, const ComparisonOptions& options) {
    return compare_runs(connection_, run_a, run_b, options);
}

}  // namespace replayd::storage
