#pragma once
// Answers SELECT statements that people write, on a connection that can do nothing else: an authorizer refuses every
// other action, and rows, bytes and time are limited.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "replay/base/error.hpp"
#include "storage/connection.hpp"

namespace replayd::storage {

/// NULL, INTEGER, REAL or TEXT. A BLOB is text too: x'…' up to 32 bytes, "blob of N bytes" beyond.
using Cell = std::variant<std::monostate, std::int64_t, double, std::string>;

struct Table {
    std::vector<std::string> columns;
    std::vector<std::vector<Cell>> rows;  ///< each as long as `columns`
    bool truncated = false;               ///< there were more rows than the limits let through
    std::int64_t elapsed_wall_ns = 0;
    std::string note;                     ///< what to know of the rows: that not every request has one; empty: nothing
};

struct QueryLimits {
    std::size_t rows_max = 10'000;
    std::size_t bytes_max = 32U << 20;  ///< text of all cells together
    std::chrono::milliseconds time_max{5'000};
};

inline constexpr std::size_t k_sql_bytes_max = 100'000;

/// Guards one connection, which must be read-only, for as long as it lives. One thread at a time, except cancel().
class SelectGuard {
public:
    explicit SelectGuard(Connection& connection);
    ~SelectGuard();
    SelectGuard(const SelectGuard&) = delete;
    SelectGuard& operator=(const SelectGuard&) = delete;

    /// Runs one statement. Errors: `invalid_argument` (bad or refused SQL, with SQLite's reason), `too_large` (out of
    /// time, or a value too big), `unavailable` (cancelled, locked), `io`.
    [[nodiscard]] Result<Table> query(std::string_view sql, const QueryLimits& limits);

    /// Stops the query that runs now, from any thread; no effect on later ones.
    void cancel() { cancelled_ = true; }

    /// Called by SQLite before it compiles an action: returns its verdict, and keeps the name of a refused one.
    [[nodiscard]] int authorize(int action, const char* first, const char* second);
    /// Called by SQLite every few instructions: true stops the statement.
    [[nodiscard]] bool should_stop();

private:
    [[nodiscard]] Result<Statement> compile(std::string_view sql);
    /// True for blanks and comments.
    [[nodiscard]] bool is_silent(std::string_view rest);
    /// Which streams keep no row of every request, where the statement read such rows.
    [[nodiscard]] Result<std::string> note_of_requests();
    [[nodiscard]] Result<Table> collect(Statement& statement, const QueryLimits& limits);
    [[nodiscard]] Error sql_error(const QueryLimits& limits);
    [[nodiscard]] std::string holders_of(const std::string& column);
    [[nodiscard]] std::string suggestion(std::string_view message);

    Connection& connection_;
    std::atomic<bool> cancelled_ = false;
    std::optional<std::chrono::steady_clock::time_point> deadline_;  ///< of the query that runs now
    bool out_of_time_ = false;
    bool reads_requests_ = false;  ///< the statement compiled last reads table `request`
    std::string refused_;  ///< action that the authorizer refused last
};

}  // namespace replayd::storage
