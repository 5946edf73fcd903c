#include "storage/sql_query.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <utility>

#include "replay/base/assert.hpp"
#include "replay/base/nearest_name.hpp"

namespace replayd::storage {
namespace {

constexpr int k_instructions_between_checks = 1'000;  // some 10 µs
constexpr int k_value_bytes_max = 16 << 20;
constexpr int k_like_pattern_bytes_max = 256;  // one LIKE cannot be stopped; its cost grows with the pattern
constexpr int k_program_instructions_max = 100'000;
constexpr std::size_t k_blob_shown_bytes_max = 32;

// PRAGMAs that only describe the schema.
constexpr std::array<std::string_view, 5> k_pragmas = {"table_info", "table_xinfo", "table_list",
                                                       "index_list", "index_info"};
// SQL functions that reach outside the database.
constexpr std::array<std::string_view, 2> k_refused_functions = {"load_extension", "fts3_tokenizer"};
const std::vector<std::string> k_own_functions = {"histogram_quantile", "histogram_count",
                                                  "histogram_merge", "percentile"};

// SQLite declares a table function on its first use as if it created a table, which the authorizer would take for a
// change of the schema: these are used once before it watches.
constexpr std::array<std::string_view, 7> k_table_functions = {
    "pragma_table_info", "pragma_table_xinfo", "pragma_table_list", "pragma_index_list", "pragma_index_info",
    "json_each",         "json_tree"};
constexpr const char* k_schema_change = "a change of the schema or an unlisted table function";

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string hex(std::string_view bytes) {
    constexpr std::string_view k_digits = "0123456789abcdef";
    std::string text = "x'";
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text.push_back(k_digits[byte >> 4]);
        text.push_back(k_digits[byte & 15]);
    }
    return text + "'";
}

Cell cell_of(const Statement& row, int column) {
    switch (sqlite3_column_type(row.raw(), column)) {
        case SQLITE_INTEGER: return row.integer(column);
        case SQLITE_FLOAT: return row.real(column);
        case SQLITE_TEXT: return row.text(column);
        case SQLITE_BLOB: break;
        default: return std::monostate{};
    }
    const std::string bytes = row.text(column);
    if (bytes.size() <= k_blob_shown_bytes_max) return hex(bytes);
    return "blob of " + std::to_string(bytes.size()) + " bytes";
}

std::size_t size_of(const Cell& cell) {
    const auto* text = std::get_if<std::string>(&cell);
    return sizeof(Cell) + (text == nullptr ? 0 : text->size());
}

std::string name_of(int action, std::string_view first) {
    const bool schema = first.starts_with("sqlite_");
    switch (action) {
        case SQLITE_INSERT: return schema ? k_schema_change : "INSERT into " + std::string(first);
        case SQLITE_UPDATE: return schema ? k_schema_change : "UPDATE of " + std::string(first);
        case SQLITE_DELETE: return schema ? k_schema_change : "DELETE from " + std::string(first);
        case SQLITE_TRANSACTION: return std::string(first);
        case SQLITE_SAVEPOINT: return "SAVEPOINT";
        case SQLITE_ATTACH: return "ATTACH";
        case SQLITE_DETACH: return "DETACH";
        case SQLITE_PRAGMA: return "PRAGMA " + std::string(first);
        case SQLITE_REINDEX: return "REINDEX";
        case SQLITE_ANALYZE: return "ANALYZE";
        default: return k_schema_change;
    }
}

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n;") == std::string_view::npos;
}

tl::unexpected<Error> refuse(const std::string& what) {
    return fail(Code::invalid_argument, "only SELECT is answered here: " + what + " is refused");
}

}  // namespace

SelectGuard::SelectGuard(Connection& connection) : connection_(connection) {
    sqlite3* raw = connection.raw();
    for (const auto function : k_table_functions) {
        REPLAYD_ASSERT(connection.prepare("SELECT 1 FROM " + std::string(function)));
    }
    sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, k_value_bytes_max);
    sqlite3_limit(raw, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, k_like_pattern_bytes_max);
    sqlite3_limit(raw, SQLITE_LIMIT_VDBE_OP, k_program_instructions_max);
    sqlite3_limit(raw, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_set_authorizer(
        raw,
        [](void* self, int action, const char* first, const char* second, const char*, const char*) {
            return static_cast<SelectGuard*>(self)->authorize(action, first, second);
        },
        this);
    sqlite3_progress_handler(
        raw, k_instructions_between_checks,
        [](void* self) { return static_cast<SelectGuard*>(self)->should_stop() ? 1 : 0; }, this);
}

SelectGuard::~SelectGuard() {
    sqlite3_set_authorizer(connection_.raw(), nullptr, nullptr);
    sqlite3_progress_handler(connection_.raw(), 0, nullptr, nullptr);
}

int SelectGuard::authorize(int action, const char* first, const char* second) {
    const std::string_view name = first == nullptr ? "" : first;
    const std::string_view detail = second == nullptr ? "" : second;
    if (action == SQLITE_READ && name == "request") reads_requests_ = true;
    if (action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_RECURSIVE) return SQLITE_OK;
    if (action == SQLITE_PRAGMA && contains(k_pragmas, name)) return SQLITE_OK;
    if (action == SQLITE_FUNCTION) {  // its name is the second argument
        if (!contains(k_refused_functions, detail)) return SQLITE_OK;
        refused_ = "the function " + std::string(detail);
        return SQLITE_DENY;
    }
    refused_ = name_of(action, name);
    return SQLITE_DENY;
}

bool SelectGuard::should_stop() {
    if (!deadline_) return false;
    if (cancelled_) return true;
    out_of_time_ = std::chrono::steady_clock::now() >= *deadline_;
    return out_of_time_;
}

Result<Table> SelectGuard::query(std::string_view sql, const QueryLimits& limits) {
    const auto start = std::chrono::steady_clock::now();
    cancelled_ = false;
    out_of_time_ = false;
    deadline_ = start + limits.time_max;
    auto statement = compile(sql);
    const bool of_requests = reads_requests_;
    auto table = statement ? collect(*statement, limits) : Result<Table>(tl::unexpected(statement.error()));
    if (table && of_requests) {
        auto note = note_of_requests();
        if (note) {
            table->note = std::move(*note);
        } else {
            table = tl::unexpected(note.error());
        }
    }
    deadline_.reset();
    if (table) table->elapsed_wall_ns = (std::chrono::steady_clock::now() - start) / std::chrono::nanoseconds(1);
    return table;
}

Result<Statement> SelectGuard::compile(std::string_view sql) {
    if (is_blank(sql)) return fail(Code::invalid_argument, "sql is empty: expected one SELECT statement");
    if (sql.size() > k_sql_bytes_max) {
        return fail(Code::too_large, "sql has " + std::to_string(sql.size()) + " bytes: expected at most " +
                                         std::to_string(k_sql_bytes_max));
    }
    if (sql.find('\0') != std::string_view::npos) {
        return fail(Code::invalid_argument, "sql contains a NUL character: expected text");
    }
    refused_.clear();
    reads_requests_ = false;
    sqlite3_stmt* raw = nullptr;
    const char* rest = nullptr;
    const int status =
        sqlite3_prepare_v2(connection_.raw(), sql.data(), static_cast<int>(sql.size()), &raw, &rest);
    Statement statement(raw);
    if (status != SQLITE_OK) return tl::unexpected(sql_error(QueryLimits{}));
    if (raw == nullptr) return fail(Code::invalid_argument, "sql is only a comment: expected one SELECT statement");
    if (sqlite3_stmt_readonly(raw) == 0) return refuse("a statement that writes");
    const auto used = static_cast<std::size_t>(rest - sql.data());
    if (!is_silent(sql.substr(used))) {
        return fail(Code::invalid_argument, "more than one statement: found text after ';' at character " +
                                                std::to_string(used + 1) + ", expected one SELECT");
    }
    if (sqlite3_bind_parameter_count(raw) > 0) {
        return fail(Code::invalid_argument, "the statement has a parameter ('?' or a name after ':', '@' or '$'): "
                                            "write the value into the SQL");
    }
    return statement;
}

bool SelectGuard::is_silent(std::string_view rest) {
    sqlite3_stmt* raw = nullptr;
    const int status =
        sqlite3_prepare_v2(connection_.raw(), rest.data(), static_cast<int>(rest.size()), &raw, nullptr);
    const Statement second(raw);
    return is_blank(rest) || (status == SQLITE_OK && raw == nullptr);
}

Result<std::string> SelectGuard::note_of_requests() {
    auto rows = connection_.prepare(
        "SELECT name, request_rows FROM stream WHERE request_rows <> 'all' ORDER BY id DESC LIMIT 4");
    if (!rows) return tl::unexpected(rows.error());
    std::string streams;
    std::size_t count = 0;
    for (;; ++count) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) break;
        streams += count == 3 ? ", …" : (count == 0 ? "" : ", ") + rows->text(0) + " (" + rows->text(1) + ")";
    }
    if (count == 0) return std::string();
    return "not every request has a row: streams keep them by their request_rows: " + streams +
           "; windows count every request, run.request_rows_left_out those without a row";
}

Result<Table> SelectGuard::collect(Statement& statement, const QueryLimits& limits) {
    Table table;
    const int columns = sqlite3_column_count(statement.raw());
    for (int i = 0; i < columns; ++i) table.columns.emplace_back(sqlite3_column_name(statement.raw(), i));
    std::size_t bytes = 0;
    for (;;) {
        const int status = sqlite3_step(statement.raw());
        if (status == SQLITE_DONE) return table;
        if (status != SQLITE_ROW) return tl::unexpected(sql_error(limits));
        if (table.rows.size() == limits.rows_max) break;
        std::vector<Cell> row;
        row.reserve(static_cast<std::size_t>(columns));
        for (int i = 0; i < columns; ++i) bytes += size_of(row.emplace_back(cell_of(statement, i)));
        if (bytes > limits.bytes_max) break;
        table.rows.push_back(std::move(row));
    }
    table.truncated = true;
    return table;
}

Error SelectGuard::sql_error(const QueryLimits& limits) {
    const Error error = connection_.error();
    const int status = sqlite3_errcode(connection_.raw());
    if (!refused_.empty()) return refuse(refused_).value();
    if (status == SQLITE_INTERRUPT && out_of_time_) {
        return Error{Code::too_large, "the query ran out of its " + std::to_string(limits.time_max.count()) +
                                          " ms: narrow it with WHERE, or merge window histograms instead of "
                                          "reading request rows"};
    }
    if (status == SQLITE_INTERRUPT) return Error{Code::unavailable, "the query was cancelled"};
    if (error.code != Code::internal && error.code != Code::too_large) return error;
    std::string reason = sqlite3_errmsg(connection_.raw());
    const int offset = sqlite3_error_offset(connection_.raw());
    const std::string where = offset < 0 ? "" : " at character " + std::to_string(offset + 1);
    const Code code = error.code == Code::too_large ? Code::too_large : Code::invalid_argument;
    return Error{code, "SQL error" + where + ": " + reason + suggestion(reason)};
}

/// Tables and views that have the column.
std::string SelectGuard::holders_of(const std::string& column) {
    std::string holders;
    auto rows = connection_.prepare(
        "SELECT s.name, c.name FROM sqlite_schema AS s, pragma_table_info(s.name) AS c "
        "WHERE s.type IN ('table', 'view') ORDER BY s.name");
    while (rows && rows->step().value_or(false)) {
        if (rows->text(1) == column) holders += (holders.empty() ? "" : ", ") + rows->text(0);
    }
    return holders;
}

std::string SelectGuard::suggestion(std::string_view message) {
    const auto name_after = [&](std::string_view prefix) {
        if (!message.starts_with(prefix)) return std::string();
        const auto name = message.substr(prefix.size());
        return std::string(name.substr(name.rfind('.') + 1));  // npos + 1 is the beginning
    };
    const auto nearest_of = [&](const std::string& name, const char* sql) {
        std::vector<std::string> known;
        auto rows = connection_.prepare(sql);
        while (rows && rows->step().value_or(false)) known.push_back(rows->text(0));
        return nearest_name(name, known);
    };
    std::string nearest;
    if (const auto column = name_after("no such column: "); !column.empty()) {
        if (const std::string holders = holders_of(column); !holders.empty()) return "; it is a column of " + holders;
        nearest = nearest_of(column, "SELECT DISTINCT c.name FROM sqlite_schema AS s, pragma_table_info(s.name) AS c");
    } else if (const auto table = name_after("no such table: "); !table.empty()) {
        nearest = nearest_of(table, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')");
    } else if (const auto function = name_after("no such function: "); !function.empty()) {
        nearest = nearest_name(function, k_own_functions);
    }
    return nearest.empty() ? "" : "; did you mean " + nearest + "?";
}

}  // namespace replayd::storage
