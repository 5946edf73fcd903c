#include "daemon/replayctl/search_store.hpp"

#include <array>
#include <filesystem>
#include <string_view>
#include <utility>

#include "daemon/config/version.hpp"
#include "daemon/net/quoted.hpp"

namespace replayd::ctl {
namespace {

using search::Measured;
using search::Trial;
using storage::Access;
using storage::Connection;
using storage::Statement;
using storage::Transaction;

/// "rpsr", in the head of the file.
constexpr std::int64_t k_application_id = 0x72707372;

/// Times in nanoseconds of virtual time. Without rowids: the order of the rows is that of their keys.
constexpr const char* k_schema = R"(
CREATE TABLE search (
    id             TEXT PRIMARY KEY,      -- hash of what outcomes depend on: spec, base, trace, version
    engine_version TEXT    NOT NULL,
    spec           TEXT    NOT NULL,
    base           TEXT    NOT NULL,
    trace          TEXT    NOT NULL,
    arrivals       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE trial (
    search           TEXT    NOT NULL REFERENCES search (id),
    candidate        INTEGER NOT NULL,
    arrivals         INTEGER NOT NULL,    -- of the trace, from its beginning
    load_permille    INTEGER NOT NULL,
    settings         TEXT    NOT NULL,    -- KEY=VALUE, separated by spaces
    possible         INTEGER NOT NULL,
    too_many_gpus    INTEGER NOT NULL,
    reason           TEXT    NOT NULL,    -- why it is not possible
    gpus             INTEGER NOT NULL,
    prefill_replicas INTEGER NOT NULL,
    decode_replicas  INTEGER NOT NULL,
    prefill_gpus     INTEGER NOT NULL,
    decode_gpus      INTEGER NOT NULL,
    stopped_after    INTEGER NOT NULL,    -- arrivals; 0: it ran to its end
    requests         INTEGER NOT NULL,
    finished         INTEGER NOT NULL,
    rejected         INTEGER NOT NULL,
    within_slo       INTEGER NOT NULL,
    ttft_p99_ns      INTEGER NOT NULL,
    tpot_p99_ns      INTEGER NOT NULL,
    e2e_p99_ns       INTEGER NOT NULL,
    output_tokens    INTEGER NOT NULL,
    span_ns          INTEGER NOT NULL,
    price_per_hour   REAL    NOT NULL,
    hash             TEXT    NOT NULL,    -- of the run's event log
    PRIMARY KEY (search, candidate, arrivals, load_permille)
) STRICT, WITHOUT ROWID;
)";

constexpr const char* k_columns =
    "candidate, arrivals, load_permille, settings, possible, too_many_gpus, reason, gpus, prefill_replicas, decode_replicas, "
    "prefill_gpus, decode_gpus, stopped_after, requests, finished, rejected, within_slo, ttft_p99_ns, tpot_p99_ns, e2e_p99_ns, "
    "output_tokens, span_ns, price_per_hour, hash";

/// The integers of a measurement from `gpus` on, in the order of the columns.
template <class M>
auto integers_of(M& m) {
    return std::array{&m.gpus,     &m.prefill_replicas, &m.decode_replicas, &m.prefill_gpus, &m.decode_gpus,
                      &m.stopped_after, &m.requests,    &m.finished,        &m.rejected,     &m.within_slo,
                      &m.ttft_p99.value, &m.tpot_p99.value, &m.e2e_p99.value, &m.output_tokens.value, &m.span.value};
}

Result<Connection> open_file(const std::string& path) {
    auto connection = Connection::open(path, Access::read_write_create);
    if (!connection) return connection;
    auto begun = Transaction::begin(*connection);
    if (!begun) return tl::unexpected(begun.error());
    const auto tables = connection->query_integer("SELECT count(*) FROM sqlite_schema");
    if (!tables) return tl::unexpected(tables.error());
    if (*tables == 0) {
        const std::string mark = "PRAGMA application_id = " + std::to_string(k_application_id);
        if (auto made = connection->execute(mark + ";" + k_schema); !made) return tl::unexpected(made.error());
    }
    const auto id = connection->query_integer("PRAGMA application_id");
    if (!id) return tl::unexpected(id.error());
    if (*id != k_application_id) {
        return fail(Code::failed_state, net::quoted(path) + " is a database of another kind: expected a file that replayctl "
                                                            "search made, or a new name");
    }
    if (auto done = begun->commit(); !done) return tl::unexpected(done.error());
    return connection;
}

/// Counts the rows that the statement inserts.
Result<std::int64_t> inserted(Connection& connection, const std::string& sql) {
    auto statement = connection.prepare(sql);
    if (!statement) return tl::unexpected(statement.error());
    if (auto done = statement->run(); !done) return tl::unexpected(done.error());
    return connection.rows_changed();
}

Result<Merged> merge_attached(Connection& connection, const std::string& from) {
    auto transaction = Transaction::begin(connection);
    if (!transaction) return tl::unexpected(transaction.error());
    const auto differing = connection.query_integer(
        "SELECT count(*) FROM trial AS mine JOIN other.trial AS theirs USING (search, candidate, arrivals, load_permille) "
        "WHERE mine.hash <> theirs.hash OR mine.possible <> theirs.possible");
    if (!differing) return tl::unexpected(differing.error());
    if (*differing > 0) {
        return fail(Code::failed_state, net::quoted(from) + ": " + std::to_string(*differing) +
                                            " trials have other outcomes here: expected equal ones, since a trial depends on "
                                            "its search alone; one of the files was changed by hand");
    }
    Merged out;
    const auto searches = inserted(connection, "INSERT OR IGNORE INTO search SELECT * FROM other.search");
    if (!searches) return tl::unexpected(searches.error());
    const auto trials = inserted(connection, "INSERT OR IGNORE INTO trial SELECT * FROM other.trial");
    if (!trials) return tl::unexpected(trials.error());
    if (auto done = transaction->commit(); !done) return tl::unexpected(done.error());
    return Merged{*searches, *trials};
}

}  // namespace

Result<SearchStore> SearchStore::open(const std::string& path, const SearchFacts& facts) {
    auto connection = open_file(path);
    if (!connection) return tl::unexpected(connection.error());
    auto insert = connection->prepare("INSERT OR IGNORE INTO search VALUES (?, ?, ?, ?, ?, ?)");
    if (!insert) return tl::unexpected(insert.error());
    insert->bind(1, facts.identity);
    insert->bind(2, config::k_version);
    insert->bind(3, facts.spec);
    insert->bind(4, facts.base);
    insert->bind(5, facts.trace);
    insert->bind(6, facts.arrivals);
    if (auto done = insert->run(); !done) return tl::unexpected(done.error());
    return SearchStore(std::move(*connection), facts.identity);
}

Result<search::Outcomes> SearchStore::outcomes() {
    auto rows = connection_.prepare(std::string("SELECT ") + k_columns + " FROM trial WHERE search = ?");
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, identity_);
    search::Outcomes out;
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return out;
        Measured measured;
        measured.possible = rows->integer(4) != 0;
        measured.too_many_gpus = rows->integer(5) != 0;
        measured.reason = rows->text(6);
        int column = 7;
        for (std::int64_t* value : integers_of(measured)) *value = rows->integer(column++);
        measured.price_per_hour = rows->real(column++);
        measured.hash = rows->text(column);
        out.emplace(Trial{rows->integer(0), rows->integer(1), rows->integer(2)}, std::move(measured));
    }
}

Result<void> SearchStore::add(const Trial& trial, const std::string& settings, const Measured& measured) {
    auto insert = connection_.prepare(std::string("INSERT OR IGNORE INTO trial (search, ") + k_columns +
                                      ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    if (!insert) return tl::unexpected(insert.error());
    insert->bind(1, identity_);
    insert->bind(2, trial.candidate);
    insert->bind(3, trial.arrivals);
    insert->bind(4, trial.load_permille);
    insert->bind(5, settings);
    insert->bind(6, std::int64_t{measured.possible});
    insert->bind(7, std::int64_t{measured.too_many_gpus});
    insert->bind(8, measured.reason);
    int parameter = 9;
    for (const std::int64_t* value : integers_of(measured)) insert->bind(parameter++, *value);
    insert->bind(parameter++, measured.price_per_hour);
    insert->bind(parameter, measured.hash);
    return insert->run();
}

Result<Merged> merge_searches(const std::string& into, const std::string& from) {
    if (!std::filesystem::exists(from)) {
        return fail(Code::not_found, from + ": expected a file that replayctl search --db wrote");
    }
    if (auto checked = open_file(from); !checked) return tl::unexpected(checked.error());
    auto connection = open_file(into);
    if (!connection) return tl::unexpected(connection.error());
    auto attach = connection->prepare("ATTACH ? AS other");
    if (!attach) return tl::unexpected(attach.error());
    attach->bind(1, from);
    if (auto done = attach->run(); !done) return tl::unexpected(done.error());
    return merge_attached(*connection, from);
}

}  // namespace replayd::ctl
