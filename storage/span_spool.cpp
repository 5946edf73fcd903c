#include "storage/span_spool.hpp"

#include <utility>

namespace replayd::storage {
namespace {

/// "RSPN": the file is known again, and no other SQLite file is taken for one.
constexpr std::int64_t k_application_id = 0x5253504e;

constexpr const char* k_schema = R"(
CREATE TABLE span (
  stream TEXT NOT NULL,
  key TEXT NOT NULL,
  at_ns INTEGER NOT NULL,
  payload BLOB NOT NULL,
  PRIMARY KEY (stream, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX span_by_time ON span (stream, at_ns, key);
PRAGMA application_id = 1381191758;
)";
static_assert(k_application_id == 1381191758);

/// Whether the file is a spool; false for an empty one.
Result<bool> is_spool(Connection& connection) {
    const auto id = connection.query_integer("PRAGMA application_id");
    if (!id) return tl::unexpected(id.error());
    const auto tables = connection.query_integer("SELECT count(*) FROM sqlite_master");
    if (!tables) return tl::unexpected(tables.error());
    if (*id == k_application_id) return true;
    if (*tables == 0 && *id == 0) return false;
    return fail(Code::invalid_argument, connection.path() +
                                            " is another kind of SQLite file: expected none there, or the spans that "
                                            "replayd keeps beside its history; move it away");
}

Result<void> prepare_file(Connection& connection) {
    const auto ready = is_spool(connection);
    if (!ready) return tl::unexpected(ready.error());
    if (*ready) return {};
    auto transaction = Transaction::begin(connection);
    if (!transaction) return tl::unexpected(transaction.error());
    if (auto made = connection.execute(k_schema); !made) return made;
    return transaction->commit();
}

}  // namespace

std::string span_spool_path(const std::string& history_path) {
    return history_path + "-spans";
}

Result<Connection> SpanSpool::open_to_read(const std::string& path) {
    auto connection = Connection::open(path, Access::read_only);
    if (!connection) return connection;
    if (const auto spool = is_spool(*connection); !spool) return tl::unexpected(spool.error());
    return connection;
}

Result<SpanSpool> SpanSpool::open(const std::string& path, Durability durability) {
    auto connection = Connection::open(path, Access::read_write_create);
    if (!connection) return tl::unexpected(connection.error());
    const char* synchronous = durability == Durability::full ? "FULL" : "NORMAL";
    auto ready = connection->execute(std::string("PRAGMA journal_mode=WAL; PRAGMA synchronous=") + synchronous)
                     .and_then([&] { return prepare_file(*connection); });
    if (!ready) return tl::unexpected(ready.error());
    return SpanSpool(std::move(*connection));
}

Result<std::int64_t> SpanSpool::add(const std::vector<SpooledSpan>& spans) {
    auto transaction = Transaction::begin(connection_);
    if (!transaction) return tl::unexpected(transaction.error());
    auto insert = connection_.prepare("INSERT OR IGNORE INTO span (stream, key, at_ns, payload) VALUES (?, ?, ?, ?)");
    if (!insert) return tl::unexpected(insert.error());
    std::int64_t added = 0;
    for (const SpooledSpan& span : spans) {
        insert->bind(1, std::string_view(span.stream));
        insert->bind(2, std::string_view(span.key));
        insert->bind(3, span.at.ns);
        insert->bind_blob(4, span.payload);
        if (auto done = insert->run(); !done) return tl::unexpected(done.error());
        added += connection_.rows_changed();
    }
    if (auto done = transaction->commit(); !done) return tl::unexpected(done.error());
    return added;
}

Result<std::vector<SpooledSpan>> SpanSpool::between(const std::string& stream, VirtualTime from, VirtualTime to,
                                                    std::int64_t most) {
    auto rows = connection_.prepare(
        "SELECT key, at_ns, payload FROM span WHERE stream = ? AND at_ns >= ? AND at_ns < ? "
        "ORDER BY at_ns, key LIMIT ?");
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, std::string_view(stream));
    rows->bind(2, from.ns);
    rows->bind(3, to.ns);
    rows->bind(4, most);
    std::vector<SpooledSpan> spans;
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return spans;
        spans.push_back({stream, rows->text(0), VirtualTime(rows->integer(1)), rows->text(2)});
    }
}

Result<std::int64_t> SpanSpool::remove_before(const std::string& stream, VirtualTime at) {
    auto remove = connection_.prepare("DELETE FROM span WHERE stream = ? AND at_ns < ?");
    if (!remove) return tl::unexpected(remove.error());
    remove->bind(1, std::string_view(stream));
    remove->bind(2, at.ns);
    if (auto done = remove->run(); !done) return tl::unexpected(done.error());
    return connection_.rows_changed();
}

Result<std::vector<SpooledStream>> SpanSpool::streams() {
    auto rows = connection_.prepare("SELECT stream, count(*), max(at_ns) FROM span GROUP BY stream");
    if (!rows) return tl::unexpected(rows.error());
    std::vector<SpooledStream> streams;
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return streams;
        streams.push_back({rows->text(0), rows->integer(1), VirtualTime(rows->integer(2))});
    }
}

}  // namespace replayd::storage
