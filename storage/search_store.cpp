#include "storage/search_store.hpp"

#include <filesystem>
#include <utility>

namespace replayd::storage {
namespace {

using search::Measured;
using search::Trial;

Result<Connection> open_file(const std::string& path) {
    auto connection = Connection::open(path, Access::read_write_create);
    if (!connection) return connection;
    auto begun = Transaction::begin(*connection);
    if (!begun) return tl::unexpected(begun.error());
    const auto tables = connection->query_integer("SELECT count(*) FROM sqlite_schema");
    if (!tables) return tl::unexpected(tables.error());
    if (*tables == 0) {
        const std::string mark = "PRAGMA application_id = " + std::to_string(k_search_application_id);
        if (auto made = connection->execute(mark + ";" + k_search_schema); !made) return tl::unexpected(made.error());
    }
    if (auto ours = check_search_file(*connection); !ours) return tl::unexpected(ours.error());
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
        "SELECT count(*) FROM trial AS mine JOIN other.trial AS theirs USING (search, candidate, arrivals, "
        "load_permille) "
        "WHERE mine.hash <> theirs.hash OR mine.possible <> theirs.possible");
    if (!differing) return tl::unexpected(differing.error());
    if (*differing > 0) {
        return fail(Code::failed_state,
                    '"' + from + "\": " + std::to_string(*differing) +
                        " trials have other outcomes here: expected equal ones, since a trial depends on "
                        "its search alone; one of the files was changed by hand");
    }
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
    insert->bind(2, facts.engine_version);
    insert->bind(3, facts.spec);
    insert->bind(4, facts.base);
    insert->bind(5, facts.trace);
    insert->bind(6, facts.arrivals);
    if (auto done = insert->run(); !done) return tl::unexpected(done.error());
    return SearchStore(std::move(*connection), facts.identity);
}

Result<search::Outcomes> SearchStore::outcomes() {
    return read_outcomes(connection_, identity_);
}

Result<void> SearchStore::add(const Trial& trial, const std::string& settings, const Measured& measured) {
    auto insert =
        connection_.prepare(std::string("INSERT OR IGNORE INTO trial (search, ") + k_trial_columns +
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
    for (const std::int64_t* value : trial_integers(measured)) insert->bind(parameter++, *value);
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

}  // namespace replayd::storage
