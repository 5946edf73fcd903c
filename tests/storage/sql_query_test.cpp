// Free SQL: what is answered, what is refused, and that no statement can take the reader over its limits.
#include "storage/sql_query.hpp"

#include <gtest/gtest.h>

#include <future>

#include "tests/storage/sample.hpp"

namespace replayd::storage {
namespace {

class SqlQuery : public ::testing::Test {
protected:
    void SetUp() override {
        {
            const auto history = open_history(dir_.file());
            const auto run_id = sample_run(*history).id;
            history->add_requests(run_id, sample_requests(0, 100));
            history->add_window(run_id, {sample_window(0)});
        }
        reader_ = must(Reader::open(dir_.file()));
    }

    TempDir dir_;
    std::unique_ptr<Reader> reader_;
};

TEST_F(SqlQuery, cells_keep_their_types) {
    const Table table = must(reader_->query("SELECT 7 AS i, 2.5 AS r, 'text' AS t, NULL AS n, x'00ff' AS b, "
                                            "zeroblob(40) AS long, '' AS empty"));
    EXPECT_EQ(table.columns, (std::vector<std::string>{"i", "r", "t", "n", "b", "long", "empty"}));
    ASSERT_EQ(table.rows.size(), 1U);
    EXPECT_EQ(table.rows[0], (std::vector<Cell>{std::int64_t{7}, 2.5, "text", std::monostate{}, "x'00ff'",
                                                "blob of 40 bytes", ""}));
    EXPECT_FALSE(table.truncated);
    EXPECT_GE(table.elapsed_wall_ns, 0);
}

TEST_F(SqlQuery, everything_that_only_reads_is_answered) {
    for (const char* sql :
         {"SELECT 1;", "SELECT 1 ; -- the end", "WITH a AS (SELECT 1) SELECT * FROM a", "VALUES (1), (2)",
          "EXPLAIN QUERY PLAN SELECT * FROM request", "SELECT name FROM sqlite_schema",
          "SELECT name FROM pragma_table_info('request')", "PRAGMA table_info(request)",
          "SELECT value FROM json_each('[1, 2]')",
          "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT sum(i) FROM n",
          "SELECT count(*) FROM request_latency", "SELECT * FROM run_summary"}) {
        const auto table = reader_->query(sql);
        EXPECT_TRUE(table && !table->rows.empty()) << sql << ": " << error_of(table);
    }
}

// Each statement with its exact answer; after each the reader still works and the file is as it was.
TEST_F(SqlQuery, bad_statements_get_exact_messages) {
    const std::string before = bytes_of(dir_.file());
    const std::string refused = "only SELECT is answered here: ";
    const std::string schema_change = "a change of the schema or an unlisted table function is refused";
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"", "sql is empty: expected one SELECT statement"},
        {" \n ; ", "sql is empty: expected one SELECT statement"},
        {"-- nothing", "sql is only a comment: expected one SELECT statement"},
        {"SELEC 1", "SQL error at character 1: near \"SELEC\": syntax error"},
        {"SELECT", "SQL error: incomplete input"},
        {"SELECT 'abc", "SQL error at character 8: unrecognized token: \"'abc\""},
        {"SELECT ttft_n FROM request_latency",
         "SQL error at character 8: no such column: ttft_n; did you mean ttft_ns?"},
        {"SELECT r.promt_tokens FROM request AS r",
         "SQL error at character 8: no such column: r.promt_tokens; did you mean prompt_tokens?"},
        {"SELECT id FROM request ORDER BY e2e_ns",
         "SQL error at character 33: no such column: e2e_ns; it is a column of request_latency, residual"},
        {"SELECT * FROM requests", "SQL error: no such table: requests; did you mean request?"},
        {"SELECT zzz FROM run", "SQL error at character 8: no such column: zzz"},
        {"SELECT percentil(1, 50)", "SQL error at character 8: no such function: percentil; did you mean percentile?"},
        {"SELECT percentile(1)", "SQL error at character 8: wrong number of arguments to function percentile()"},
        {"SELECT percentile(1, 500)",
         "SQL error: percentile: p is 500: expected 0 or a number from 1 to 100, e.g. 99 for p99"},
        {"SELECT 1; SELECT 2", "more than one statement: found text after ';' at character 10, expected one SELECT"},
        {"SELECT * FROM request WHERE run_id = ?",
         "the statement has a parameter ('?' or a name after ':', '@' or '$'): write the value into the SQL"},
        {std::string("SELECT 1\0 FROM run", 18), "sql contains a NUL character: expected text"},
        {"SELECT '" + std::string(100'000, 'x') + "'", "sql has 100009 bytes: expected at most 100000"},
        {"DELETE FROM request", refused + "DELETE from request is refused"},
        {"WITH a AS (SELECT 1) DELETE FROM run", refused + "DELETE from run is refused"},
        {"UPDATE run SET state = 'failed'", refused + "UPDATE of run is refused"},
        {"INSERT INTO stream (name) VALUES ('x')", refused + "INSERT into stream is refused"},
        {"DROP TABLE request", refused + schema_change},
        {"CREATE TABLE t (a)", refused + schema_change},
        {"CREATE TEMP TABLE t (a)", refused + schema_change},
        {"ALTER TABLE run ADD COLUMN x", refused + schema_change},
        {"ATTACH '/etc/passwd' AS p", refused + "ATTACH is refused"},
        {"DETACH main", refused + "DETACH is refused"},
        {"PRAGMA journal_mode = DELETE", refused + "PRAGMA journal_mode is refused"},
        {"PRAGMA query_only = 0", refused + "PRAGMA query_only is refused"},
        {"SELECT * FROM pragma_journal_mode", refused + schema_change},
        {"SELECT load_extension('/tmp/x.so')", refused + "the function load_extension is refused"},
        {"BEGIN", refused + "BEGIN is refused"},
        {"COMMIT", refused + "COMMIT is refused"},
        {"SAVEPOINT s", refused + "SAVEPOINT is refused"},
        {"VACUUM", refused + "a statement that writes is refused"},
        {"VACUUM INTO '/tmp/stolen.sqlite'", refused + "a statement that writes is refused"},
        {"REINDEX", refused + "REINDEX is refused"},
        {"ANALYZE", refused + "ANALYZE is refused"},
        {"SELECT zeroblob(100000000)", "SQL error: string or blob too big"},
        {"SELECT '" + std::string(300, '%') + "' LIKE '" + std::string(300, '%') + "'",
         "SQL error: LIKE or GLOB pattern too complex"},
    };
    for (const auto& [sql, message] : cases) {
        EXPECT_EQ(error_of(reader_->query(sql)), message) << sql.substr(0, 80);
        EXPECT_TRUE(reader_->query("SELECT 1"));
    }
    EXPECT_EQ(bytes_of(dir_.file()), before);
}

TEST_F(SqlQuery, rows_beyond_the_limit_are_cut_and_marked) {
    QueryLimits limits;
    limits.rows_max = 100;
    EXPECT_FALSE(must(reader_->query("SELECT * FROM request", limits)).truncated);
    limits.rows_max = 99;
    const Table table = must(reader_->query("SELECT * FROM request", limits));
    EXPECT_EQ(table.rows.size(), 99U);
    EXPECT_TRUE(table.truncated);
}

TEST_F(SqlQuery, bytes_beyond_the_limit_are_cut_and_marked) {
    QueryLimits limits;
    limits.bytes_max = 10'000;
    const Table table = must(reader_->query("SELECT printf('%0900d', sequence) FROM request", limits));
    EXPECT_EQ(table.rows.size(), 10U);
    EXPECT_TRUE(table.truncated);
}

constexpr const char* k_endless =
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

// A deadline that has passed already stops an endless query at the first look.
TEST_F(SqlQuery, query_out_of_time_is_stopped_and_the_reader_goes_on) {
    QueryLimits limits;
    limits.time_max = std::chrono::milliseconds(0);
    const auto stopped = reader_->query(k_endless, limits);
    EXPECT_EQ(error_of(stopped),
              "the query ran out of its 0 ms: narrow it with WHERE, or merge window histograms instead of reading "
              "request rows");
    EXPECT_EQ(stopped.error().code, Code::too_large);
    EXPECT_TRUE(reader_->query("SELECT 1"));
}

// Another thread cancels until the endless query has ended: cancelling before it began has no effect.
TEST_F(SqlQuery, cancelled_query_says_so_and_the_reader_goes_on) {
    QueryLimits limits;
    limits.time_max = std::chrono::hours(1);
    auto answer = std::async(std::launch::async, [&] { return error_of(reader_->query(k_endless, limits)); });
    while (answer.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) reader_->cancel();
    EXPECT_EQ(answer.get(), "the query was cancelled");
    EXPECT_TRUE(reader_->query("SELECT 1"));
}

}  // namespace
}  // namespace replayd::storage
