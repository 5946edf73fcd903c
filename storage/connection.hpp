#pragma once
// RAII over the SQLite C API: a connection, its prepared statements and transactions. A connection and
// everything made from it belong to one thread at a time.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "replay/base/error.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace replayd::storage {

/// A prepared statement. Parameters and columns are numbered as SQLite does: from 1 and from 0.
class Statement {
public:
    explicit Statement(sqlite3_stmt* raw) : raw_(raw) {}

    // Text and blobs are not copied: the bytes must stay until the statement is reset. A failed bind is
    // reported by the next step.
    void bind(int parameter, std::int64_t value);
    void bind(int parameter, double value);
    void bind(int parameter, std::string_view text);
    void bind_blob(int parameter, std::string_view bytes);
    void bind_null(int parameter);

    /// True: a row is there. False: done, and the statement is reset. Errors as `sqlite_error` maps them.
    [[nodiscard]] Result<bool> step();
    /// Steps to the end, ignoring rows.
    [[nodiscard]] Result<void> run();
    void reset();

    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] double real(int column) const;
    [[nodiscard]] std::string text(int column) const;  ///< "" for NULL; blobs come back as they are
    [[nodiscard]] sqlite3_stmt* raw() const { return raw_.get(); }

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    void note(int status);

    std::unique_ptr<sqlite3_stmt, Finalize> raw_;
    int bind_status_ = 0;
};

enum class Access {
    read_only,         ///< the file must exist; nothing can be written
    read_write,        ///< the file must exist
    read_write_create  ///< creates the file
};

class Connection {
public:
    /// Opens the file, with a busy timeout of 5 s, foreign keys on, and the SQL functions of functions.hpp.
    /// Error `io` names the path and the system's reason.
    [[nodiscard]] static Result<Connection> open(const std::string& path, Access access);

    /// Runs SQL text that yields no rows of interest; several statements may be joined by ';'.
    [[nodiscard]] Result<void> execute(const std::string& sql);
    [[nodiscard]] Result<Statement> prepare(std::string_view sql);
    /// First column of the first row as an integer.
    [[nodiscard]] Result<std::int64_t> query_integer(std::string_view sql);

    [[nodiscard]] std::int64_t last_insert_rowid() const;
    [[nodiscard]] std::int64_t rows_changed() const;  ///< by the latest INSERT, UPDATE or DELETE
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] sqlite3* raw() const { return raw_.get(); }
    /// The latest trouble of this connection as an Error that names the file.
    [[nodiscard]] Error error() const;

private:
    struct Close {
        void operator()(sqlite3* connection) const;
    };
    Connection(sqlite3* raw, std::string path) : path_(std::move(path)), raw_(raw) {}

    std::string path_;
    std::unique_ptr<sqlite3, Close> raw_;
};

/// BEGIN IMMEDIATE … COMMIT; rolls back when it goes out of scope uncommitted.
class Transaction {
public:
    [[nodiscard]] static Result<Transaction> begin(Connection& connection);
    ~Transaction();
    Transaction(Transaction&& other) noexcept;
    Transaction& operator=(Transaction&&) = delete;

    [[nodiscard]] Result<void> commit();

private:
    explicit Transaction(Connection& connection) : connection_(&connection) {}
    Connection* connection_;  ///< null once committed or moved from
};

/// The Error for the connection's latest SQLite status. Codes: `unavailable` when full or locked,
/// `too_large` over a limit, `io` when the system or the file is at fault, `internal` otherwise.
[[nodiscard]] Error sqlite_error(sqlite3* connection);

}  // namespace replayd::storage
