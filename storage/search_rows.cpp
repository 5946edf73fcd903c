#include "storage/search_rows.hpp"

#include <utility>

namespace replayd::storage {

using search::Measured;
using search::Trial;

/// Times in nanoseconds of virtual time. Without rowids: the order of the rows is that of their keys.
const char* const k_search_schema = R"(
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

const char* const k_trial_columns =
    "candidate, arrivals, load_permille, settings, possible, too_many_gpus, reason, gpus, prefill_replicas, "
    "decode_replicas, prefill_gpus, decode_gpus, stopped_after, requests, finished, rejected, within_slo, ttft_p99_ns, "
    "tpot_p99_ns, e2e_p99_ns, "
    "output_tokens, span_ns, price_per_hour, hash";

Result<void> check_search_file(Connection& connection) {
    const auto id = connection.query_integer("PRAGMA application_id");
    if (!id) return tl::unexpected(id.error());
    if (*id == k_search_application_id) return {};
    return fail(Code::failed_state,
                '"' + connection.path() +
                    "\" is a database of another kind: expected a file that replayctl search made, or "
                    "a new name");
}

Result<search::Outcomes> read_outcomes(Connection& connection, std::string_view identity) {
    auto rows = connection.prepare(std::string("SELECT ") + k_trial_columns + " FROM trial WHERE search = ?");
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, identity);
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
        for (std::int64_t* value : trial_integers(measured)) *value = rows->integer(column++);
        measured.price_per_hour = rows->real(column++);
        measured.hash = rows->text(column);
        out.emplace(Trial{rows->integer(0), rows->integer(1), rows->integer(2)}, std::move(measured));
    }
}

}  // namespace replayd::storage
