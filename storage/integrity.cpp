#include "storage/integrity.hpp"

#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "storage/request_rows.hpp"
#include "storage/schema.hpp"
#include "storage/span_spool.hpp"

namespace replayd::storage {
namespace {

/// Rows of a SELECT that finds broken rows, and how many were looked at.
struct Rule {
    std::string name;
    std::string checked;  ///< SELECT of one number
    std::string broken;   ///< SELECT of one text per broken row
};

std::string ledger_sum() {
    std::string sum = ledger_columns();
    for (std::size_t at = 0; (at = sum.find(", ", at)) != std::string::npos;) sum.replace(at, 2, " + ");
    return sum;
}

std::vector<Rule> rules() {
    // Runs that are being removed have lost their pools first (prune.hpp), and then row by row the rest.
    const std::string finished = "state = 'finished' AND EXISTS (SELECT 1 FROM pool WHERE pool.run_id = run.id)";
    const std::string finished_runs = "SELECT count(*) FROM run WHERE " + finished;
    return {
        {"every row belongs to a row that exists", "SELECT count(*) FROM pragma_table_list WHERE type = 'table'",
         "SELECT 'table ' || \"table\" || ', row ' || coalesce(rowid, '?') FROM pragma_foreign_key_check"},
        {"batches of a stream are numbered 1, 2, 3, … without gaps", "SELECT count(*) FROM arrival_batch",
         "SELECT 'stream ' || stream_id || ': ' || count(*) || ' batches, numbered ' || min(seq) || ' to ' || max(seq) "
         "FROM arrival_batch GROUP BY stream_id HAVING min(seq) <> 1 OR max(seq) <> count(*)"},
        {"a batch counts its arrivals and those before it", "SELECT count(*) FROM arrival_batch",
         "SELECT 'stream ' || stream_id || ', batch ' || seq FROM (SELECT stream_id, seq, arrivals_total, "
         "sum(arrivals) OVER (PARTITION BY stream_id ORDER BY seq) AS total FROM arrival_batch) "
         "WHERE arrivals_total <> total"},
        {"the watermark of a stream never falls", "SELECT count(*) FROM arrival_batch",
         "SELECT 'stream ' || stream_id || ', batch ' || seq FROM (SELECT stream_id, seq, watermark_ns, "
         "lag(watermark_ns, 1, 0) OVER (PARTITION BY stream_id ORDER BY seq) AS before FROM arrival_batch) "
         "WHERE watermark_ns < before"},
        {"a finished run took every arrival of its stream", finished_runs,
         "SELECT 'run ' || run.id || ': ' || run.arrived || ' of ' || logged.arrivals || ' arrivals' FROM run JOIN "
         "(SELECT stream_id, sum(arrivals) AS arrivals FROM arrival_batch GROUP BY stream_id) AS logged USING "
         "(stream_id) "
         "WHERE " + finished + " AND run.arrived <> logged.arrivals"},
        {"a finished run has one request row per arrival", finished_runs,
         "SELECT 'run ' || id || ': ' || rows || ' rows of ' || arrived FROM (SELECT id, arrived, finished, rejected, "
         "(SELECT count(*) FROM request WHERE run_id = run.id) AS rows FROM run WHERE " + finished + ") "
         "WHERE rows <> arrived OR arrived <> finished + rejected"},
        {"windows of a finished run count its requests", finished_runs,
         "SELECT 'run ' || id || ': ' || counted || ' of ' || arrived FROM (SELECT id, arrived, (SELECT "
         "coalesce(sum(window.finished + window.rejected), 0) FROM window WHERE run_id = run.id) AS counted FROM run "
         "WHERE " + finished + ") WHERE counted <> arrived"},
        {"the ledger of a request sums to its latency", "SELECT count(*) FROM request WHERE outcome = 'finished'",
         "SELECT 'run ' || run_id || ', request ' || sequence FROM request WHERE outcome = 'finished' AND " +
             ledger_sum() + " <> finished_ns - arrived_ns"},
    };
}

Result<CheckLine> try_rule(Connection& connection, const Rule& rule) {
    CheckLine line{rule.name, 0, 0, ""};
    const auto checked = connection.query_integer(rule.checked);
    if (!checked) return tl::unexpected(checked.error());
    line.checked = *checked;
    auto rows = connection.prepare(rule.broken);
    if (!rows) return tl::unexpected(rows.error());
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return line;
        if (++line.broken == 1) line.first = rows->text(0);
    }
}

/// What SQLite's own check finds: nothing in a sound file.
Result<std::vector<std::string>> damages(Connection& connection, const std::string& pragma) {
    std::vector<std::string> found;
    auto rows = connection.prepare("PRAGMA " + pragma);
    if (!rows) return tl::unexpected(rows.error());
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return found;
        if (std::string text = rows->text(0); text != "ok") found.push_back(std::move(text));
    }
}

CheckLine pages_line(const char* rule, std::int64_t pages, const std::vector<std::string>& found) {
    return {rule, pages, static_cast<std::int64_t>(found.size()), found.empty() ? "" : found.front()};
}

/// Streams with spans that wait, and how many each.
struct WaitingSpans {
    CheckLine pages;
    std::vector<std::pair<std::string, std::int64_t>> streams;
};

/// Nothing where no spans have come.
Result<std::optional<WaitingSpans>> check_spool(const std::string& path, const std::string& pragma) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return std::nullopt;
    auto spool = SpanSpool::open_to_read(path);
    if (!spool) return tl::unexpected(spool.error());
    const auto pages = spool->query_integer("PRAGMA page_count");
    if (!pages) return tl::unexpected(pages.error());
    const auto found = damages(*spool, pragma);
    if (!found) return tl::unexpected(found.error());
    WaitingSpans waiting{pages_line("the pages of the spans that wait are sound", *pages, *found), {}};
    if (!found->empty()) return waiting;
    auto rows = spool->prepare("SELECT stream, count(*) FROM span GROUP BY stream");
    if (!rows) return tl::unexpected(rows.error());
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return waiting;
        waiting.streams.emplace_back(rows->text(0), rows->integer(1));
    }
}

Result<CheckLine> find_streams(Connection& history, const WaitingSpans& waiting) {
    CheckLine line{"a span that waits has its stream", 0, 0, ""};
    auto find = history.prepare("SELECT 1 FROM stream WHERE name = ?");
    if (!find) return tl::unexpected(find.error());
    for (const auto& [stream, spans] : waiting.streams) {
        line.checked += spans;
        find->reset();
        find->bind(1, std::string_view(stream));
        const auto there = find->step();
        if (!there) return tl::unexpected(there.error());
        if (*there) continue;
        if (line.broken == 0) line.first = "stream " + stream + ": " + std::to_string(spans) + " spans";
        line.broken += spans;
    }
    return line;
}

}  // namespace

Result<void> refuse_damaged(Connection& connection) {
    const auto found = damages(connection, "quick_check(1)");
    if (found && found->empty()) return {};
    return fail(Code::io, "history " + connection.path() +
                              ": it is damaged: " + (found ? found->front() : found.error().message) +
                              "; it is left as it is: restore a backup (replayctl backup makes them), or save what can "
                              "be read with: sqlite3 " +
                              connection.path() + " .recover | sqlite3 NEW, and start with NEW");
}

Result<std::vector<CheckLine>> check_history(const std::string& path, bool full) {
    if (auto ours = check_file(path); !ours) return tl::unexpected(ours.error());
    auto connection = Connection::open(path, Access::read_only);
    if (std::error_code ignored; !connection && !std::filesystem::exists(path, ignored)) {
        return fail(Code::not_found, "no history at " + path + ": name the file that the daemon writes");
    }
    if (!connection) return tl::unexpected(connection.error());
    if (auto ours = check_connection(*connection); !ours) return tl::unexpected(ours.error());
    const auto version = connection->query_integer("PRAGMA user_version");
    if (!version) return tl::unexpected(version.error());
    if (*version == 0) {
        return fail(Code::invalid_argument,
                    "history " + path + ": it has no tables: name the file that the daemon writes");
    }
    const std::string pragma = full ? "integrity_check" : "quick_check";
    // Before the history, which has a stream before it has spans.
    const auto waiting = check_spool(span_spool_path(path), pragma);
    if (!waiting) return tl::unexpected(waiting.error());
    const auto pages = connection->query_integer("PRAGMA page_count");
    if (!pages) return tl::unexpected(pages.error());
    const auto found = damages(*connection, pragma);
    if (!found) return tl::unexpected(found.error());
    std::vector<CheckLine> lines{pages_line("the pages of the file are sound", *pages, *found)};
    if (*waiting) lines.push_back((*waiting)->pages);
    if (!found->empty()) return lines;
    // One reading transaction: a daemon may be writing meanwhile.
    if (auto begun = connection->execute("BEGIN"); !begun) return tl::unexpected(begun.error());
    for (const Rule& rule : rules()) {
        auto line = try_rule(*connection, rule);
        if (!line) return tl::unexpected(line.error());
        lines.push_back(std::move(*line));
    }
    if (!*waiting) return lines;
    auto line = find_streams(*connection, **waiting);
    if (!line) return tl::unexpected(line.error());
    lines.push_back(std::move(*line));
    return lines;
}

}  // namespace replayd::storage
