#include "daemon/replayctl/export_command.hpp"

#include <span>
#include <string_view>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/files/output_file.hpp"
#include "daemon/net/quoted.hpp"
#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/csv_text.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/open_metrics.hpp"
#include "storage/query.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

constexpr std::size_t k_piece_bytes = 1U << 20U;

Result<std::vector<ExportedRun>> chosen_runs(storage::Connection& history, const ExportOptions& options) {
    auto rows = history.prepare(
        "SELECT run.id, stream.name, scenario.name, stream.created_ms, slo_ttft_ns, slo_tpot_ns FROM run "
        "JOIN stream ON stream.id = run.stream_id JOIN scenario ON scenario.id = run.scenario_id "
        "WHERE (?1 IS NULL OR run.id = ?1) AND (?2 IS NULL OR stream.name = ?2) ORDER BY run.id");
    if (!rows) return tl::unexpected(rows.error());
    options.run ? rows->bind(1, *options.run) : rows->bind_null(1);
    options.stream.empty() ? rows->bind_null(2) : rows->bind(2, std::string_view(options.stream));
    const auto optional = [&rows](int column) {
        return rows->is_null(column) ? std::nullopt : std::optional(rows->integer(column));
    };
    std::vector<ExportedRun> runs;
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) break;
        runs.push_back({rows->integer(0), rows->text(1), rows->text(2), rows->integer(3), optional(4), optional(5)});
    }
    if (!runs.empty()) return runs;
    std::string what = "history " + options.db + " has no run";
    if (options.run) what += " " + std::to_string(*options.run);
    if (!options.stream.empty()) what += " of stream " + net::quoted(options.stream);
    return fail(Code::not_found, what + "; see replayctl runs --db " + options.db);
}

/// A SELECT on one run (?1) of a stream (?2) and scenario (?3), and the names of its columns.
struct Rows {
    std::vector<std::string> names = {"stream", "scenario"};
    std::string columns = "?2, ?3";
    std::string from;

    void add(const std::string& expression, std::string name) {
        columns += ", " + expression;
        names.push_back(std::move(name));
    }
    [[nodiscard]] std::string sql() const { return "SELECT " + columns + " FROM " + from; }
};

/// Adds the columns of a table but its histograms, in the table's order.
Result<void> add_plain_columns(storage::Connection& history, const std::string& table, const std::string& alias,
                               Rows& rows) {
    auto columns = history.prepare(
        "SELECT name FROM pragma_table_info(?) WHERE type <> 'BLOB' AND (name <> 'id' OR type = 'TEXT') ORDER BY cid");
    if (!columns) return tl::unexpected(columns.error());
    columns->bind(1, std::string_view(table));
    for (;;) {
        const auto row = columns->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return {};
        rows.add(alias + "." + columns->text(0), columns->text(0));
    }
}

/// The columns of `request`, then its latencies as the view `request_latency` has them.
Result<Rows> request_rows(storage::Connection& history) {
    Rows rows;
    rows.from =
        "request q JOIN request_latency l ON l.run_id = q.run_id AND l.sequence = q.sequence WHERE q.run_id = ?1 ORDER "
        "BY q.sequence";
    return add_plain_columns(history, "request", "q", rows).map([&rows] {
        for (const char* latency : {"ttft_ns", "tpot_ns", "e2e_ns", "queue_ns"}) {
            rows.add(std::string("l.") + latency, latency);
        }
        return std::move(rows);
    });
}

/// The columns of `window`; percentiles stand in for the histograms.
Result<Rows> window_rows(storage::Connection& history) {
    Rows rows;
    rows.from = "window w WHERE w.run_id = ?1 ORDER BY w.start_ns";
    return add_plain_columns(history, "window", "w", rows).map([&rows] {
        for (const std::string metric : {"ttft", "tpot", "e2e", "queue"}) {
            for (const auto& [name, quantile] :
                 {std::pair("p50", "0.5"), std::pair("p90", "0.9"), std::pair("p99", "0.99")}) {
                rows.add("histogram_quantile(w." + metric + ", " + quantile + ")", metric + "_" + name + "_ns");
            }
        }
        return std::move(rows);
    });
}

/// Writes the rows of one run, after the names of the columns if it is the first; how many.
Result<std::int64_t> write_rows(storage::Connection& history, const Rows& wanted, const ExportedRun& run, bool names,
                                files::OutputFile& out) {
    auto rows = history.prepare(wanted.sql());
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, run.id);
    rows->bind(2, std::string_view(run.stream));
    rows->bind(3, std::string_view(run.scenario));
    const int columns = static_cast<int>(wanted.names.size());
    std::string text;
    if (names) {
        CsvLine line(text);
        for (const std::string& name : wanted.names) line.add(std::string_view(name));
    }
    std::int64_t count = 0;
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (*row) {
            ++count;
            CsvLine line(text);
            for (int i = 0; i < columns; ++i) line.add(std::string_view(rows->text(i)));
        }
        if (!*row || text.size() > k_piece_bytes) {
            if (auto written = out.write(text); !written) return tl::unexpected(written.error());
            text.clear();
        }
        if (!*row) return count;
    }
}

Result<std::int64_t> write_csv(storage::Connection& history, const ExportOptions& options,
                               const std::vector<ExportedRun>& runs, files::OutputFile& out) {
    const auto rows = options.kind == ExportKind::requests ? request_rows(history) : window_rows(history);
    if (!rows) return tl::unexpected(rows.error());
    std::int64_t count = 0;
    for (const ExportedRun& run : runs) {
        const auto written = write_rows(history, *rows, run, &run == &runs.front(), out);
        if (!written) return written;
        count += *written;
    }
    return count;
}

Result<std::int64_t> write_all(storage::Connection& history, const ExportOptions& options,
                               const std::vector<ExportedRun>& runs) {
    auto out = files::OutputFile::open(options.out, std::span(&options.db, 1));
    if (!out) return tl::unexpected(out.error());
    const auto count = options.kind == ExportKind::openmetrics
                           ? write_open_metrics(history, runs, options.start_unix_s, *out)
                           : write_csv(history, options, runs, *out);
    if (!count) return count;
    if (auto closed = out->close(); !closed) return tl::unexpected(closed.error());
    return count;
}

}  // namespace

Result<ExitStatus> export_rows(const ExportOptions& options) {
    if (options.start_unix_s && options.kind != ExportKind::openmetrics) {
        return fail(Code::invalid_argument,
                    "--start is given: expected it with openmetrics only, since the times of rows count from 0");
    }
    if (options.mode == OutputMode::json && options.out == "-") {
        return fail(
            Code::invalid_argument,
            "--json is given without --out: expected a file for the rows, since the summary goes to standard output");
    }
    // It checks that the file is a history of this version.
    if (const auto reader = storage::Reader::open(options.db); !reader) return tl::unexpected(reader.error());
    auto history = storage::Connection::open(options.db, storage::Access::read_only);
    if (!history) return tl::unexpected(history.error());
    // One moment of a history that a daemon may be writing to.
    if (auto begun = history->execute("BEGIN"); !begun) return tl::unexpected(begun.error());
    const auto runs = chosen_runs(*history, options);
    if (!runs) return tl::unexpected(runs.error());
    const auto count = write_all(*history, options, *runs);
    if (!count) return tl::unexpected(count.error());
    if (options.mode == OutputMode::json) {
        return print(json::serialize(json::object{{"out", options.out}, {"runs", runs->size()}, {"rows", *count}}) +
                     '\n')
            .map([] { return ExitStatus::ok; });
    }
    if (options.out != "-") {
        note(count_text(*count) + (options.kind == ExportKind::openmetrics ? " samples" : " rows") + " of " +
             count_text(static_cast<std::int64_t>(runs->size())) + " runs are in " + options.out);
    }
    return ExitStatus::ok;
}

}  // namespace replayd::ctl
