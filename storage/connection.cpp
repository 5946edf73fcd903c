#include "storage/connection.hpp"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "storage/functions.hpp"

namespace replayd::storage {
namespace {

constexpr int k_busy_timeout_ms = 5'000;

Code code_of(int status) {
    switch (status & 0xff) {
        case SQLITE_FULL:
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_NOMEM: return Code::unavailable;
        case SQLITE_TOOBIG: return Code::too_large;
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT:
        case SQLITE_PERM: return Code::io;
        default: return Code::internal;
    }
}

std::string advice_of(int status) {
    switch (status & 0xff) {
        case SQLITE_FULL: return "; free disk space, or raise the size limit of the history";
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return "; another process is writing to it";
        case SQLITE_CORRUPT: return "; restore a backup, or move the file away";
        default: return "";
    }
}

/// Why the path cannot be opened, as far as the file system tells.
Error open_error(const std::string& path, int system_error) {
    std::error_code ignored;
    const std::string where = "cannot open the history " + path + ": ";
    const auto parent = std::filesystem::path(path).parent_path();
    if (!parent.empty() && !std::filesystem::is_directory(parent, ignored)) {
        return {Code::not_found,
                where + "the directory " + parent.string() + " does not exist: create it or choose another path"};
    }
    if (std::filesystem::is_directory(path, ignored)) {
        return {Code::invalid_argument, where + "it is a directory: expected a file"};
    }
    return {Code::io, where + (system_error != 0 ? std::strerror(system_error) : "the system refused")};
}

int flags_of(Access access) {
    switch (access) {
        case Access::read_only: return SQLITE_OPEN_READONLY;
        case Access::read_write: return SQLITE_OPEN_READWRITE;
        case Access::read_write_create: break;
    }
    return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
}

}  // namespace

Error sqlite_error(sqlite3* connection) {
    const int status = sqlite3_extended_errcode(connection);
    const char* file = sqlite3_db_filename(connection, "main");
    std::string message = "history ";
    if (file != nullptr && *file != '\0') message.append(file).append(": ");
    message.append(sqlite3_errmsg(connection));
    const int system_error = sqlite3_system_errno(connection);
    if ((status & 0xff) == SQLITE_IOERR && system_error != 0) {
        message.append(" (").append(std::strerror(system_error)).append(")");
    }
    return Error{code_of(status), message + advice_of(status)};
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Statement::note(int status) {
    if (status != SQLITE_OK && bind_status_ == SQLITE_OK) bind_status_ = status;
}

void Statement::bind(int parameter, std::int64_t value) {
    note(sqlite3_bind_int64(raw_.get(), parameter, value));
}

void Statement::bind(int parameter, double value) {
    note(sqlite3_bind_double(raw_.get(), parameter, value));
}

void Statement::bind(int parameter, std::string_view text) {
    // An empty view may hold a null pointer, which SQLite would take for NULL.
    note(sqlite3_bind_text64(raw_.get(), parameter, text.empty() ? "" : text.data(), text.size(),
                             SQLITE_STATIC, SQLITE_UTF8));
}

void Statement::bind_blob(int parameter, std::string_view bytes) {
    note(sqlite3_bind_blob64(raw_.get(), parameter, bytes.empty() ? "" : bytes.data(), bytes.size(),
                             SQLITE_STATIC));
}

void Statement::bind_null(int parameter) { note(sqlite3_bind_null(raw_.get(), parameter)); }

Result<bool> Statement::step() {
    if (bind_status_ != SQLITE_OK) return tl::unexpected(sqlite_error(sqlite3_db_handle(raw_.get())));
    const int status = sqlite3_step(raw_.get());
    if (status == SQLITE_ROW) return true;
    if (status == SQLITE_DONE) {
        reset();
        return false;
    }
    Error error = sqlite_error(sqlite3_db_handle(raw_.get()));
    reset();
    return tl::unexpected(std::move(error));
}

Result<void> Statement::run() {
    for (;;) {
        const auto row = step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return {};
    }
}

void Statement::reset() {
    sqlite3_reset(raw_.get());
    bind_status_ = SQLITE_OK;
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(raw_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(raw_.get(), column); }

double Statement::real(int column) const { return sqlite3_column_double(raw_.get(), column); }

std::string Statement::text(int column) const {
    const void* bytes = sqlite3_column_blob(raw_.get(), column);
    const int size = sqlite3_column_bytes(raw_.get(), column);
    return bytes == nullptr ? std::string()
                            : std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

void Connection::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }

Result<Connection> Connection::open(const std::string& path, Access access) {
    if (path.empty()) return fail(Code::invalid_argument, "the path of the history is empty: expected a file name");
    sqlite3* raw = nullptr;
    const int status = sqlite3_open_v2(path.c_str(), &raw, flags_of(access) | SQLITE_OPEN_NOMUTEX, nullptr);
    Connection connection(raw, path);
    if (status != SQLITE_OK) {
        return tl::unexpected(open_error(path, raw == nullptr ? ENOMEM : sqlite3_system_errno(raw)));
    }
    sqlite3_extended_result_codes(raw, 1);
    sqlite3_busy_timeout(raw, k_busy_timeout_ms);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    if (auto added = add_functions(connection); !added) return tl::unexpected(added.error());
    return connection;
}

Result<void> Connection::execute(const std::string& sql) {
    if (sqlite3_exec(raw_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
        return tl::unexpected(error());
    }
    return {};
}

Result<Statement> Connection::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const int status = sqlite3_prepare_v3(raw_.get(), sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (status != SQLITE_OK) return tl::unexpected(error());
    return Statement(statement);
}

Result<std::int64_t> Connection::query_integer(std::string_view sql) {
    auto statement = prepare(sql);
    if (!statement) return tl::unexpected(statement.error());
    const auto row = statement->step();
    if (!row) return tl::unexpected(row.error());
    return *row ? statement->integer(0) : 0;
}

std::int64_t Connection::last_insert_rowid() const { return sqlite3_last_insert_rowid(raw_.get()); }

std::int64_t Connection::rows_changed() const { return sqlite3_changes64(raw_.get()); }

Error Connection::error() const { return sqlite_error(raw_.get()); }

Result<Transaction> Transaction::begin(Connection& connection) {
    if (auto begun = connection.execute("BEGIN IMMEDIATE"); !begun) return tl::unexpected(begun.error());
    return Transaction(connection);
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() {
    if (connection_ == nullptr) return;
    // Some errors (disk full) have rolled back already; then there is nothing left to undo.
    if (sqlite3_get_autocommit(connection_->raw()) == 0) {
        sqlite3_exec(connection_->raw(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
}

Result<void> Transaction::commit() {
    if (auto done = connection_->execute("COMMIT"); !done) return done;
    connection_ = nullptr;
    return {};
}

}  // namespace replayd::storage
