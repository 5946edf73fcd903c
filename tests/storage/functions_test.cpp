// The SQL functions, on values small enough to check by hand.
#include "storage/functions.hpp"

#include <gtest/gtest.h>

#include "storage/connection.hpp"
#include "tests/storage/sample.hpp"

namespace replayd::storage {
namespace {

/// An empty database with a table `h` of histograms: {10 × 1}, {30 × 3}, {}, NULL; and `x` of 1 … 10.
class Functions : public ::testing::Test {
protected:
    void SetUp() override {
        must(connection_.execute(
            "PRAGMA synchronous = OFF; CREATE TABLE h (id INTEGER, b BLOB); CREATE TABLE x (v INTEGER)"));
        Histogram one;
        one.record(10);
        Histogram three;
        three.record(30, 3);
        add(1, one.encode());
        add(2, three.encode());
        add(3, Histogram().encode());
        must(connection_.execute("INSERT INTO h VALUES (4, NULL)"));
        for (int v = 10; v >= 1; --v) must(connection_.execute("INSERT INTO x VALUES (" + std::to_string(v) + ")"));
    }

    void add(std::int64_t id, const std::string& blob) {
        auto insert = must(connection_.prepare("INSERT INTO h VALUES (?, ?)"));
        insert.bind(1, id);
        insert.bind_blob(2, blob);
        must(insert.run());
    }

    /// First value of the statement as text, "NULL", or the error.
    std::string value(const std::string& sql) {
        auto statement = connection_.prepare(sql);
        if (!statement) return statement.error().message;
        const auto row = statement->step();
        if (!row) return row.error().message;
        return statement->is_null(0) ? "NULL" : statement->text(0);
    }

    TempDir dir_;
    Connection connection_ = must(Connection::open(dir_.file(), Access::read_write_create));
};

TEST_F(Functions, histogram_functions_answer_for_one_and_for_all) {
    EXPECT_EQ(value("SELECT histogram_count(b) FROM h WHERE id = 2"), "3");
    EXPECT_EQ(value("SELECT histogram_count(b) FROM h WHERE id = 3"), "0");
    EXPECT_EQ(value("SELECT histogram_count(b) FROM h WHERE id = 4"), "NULL");
    EXPECT_EQ(value("SELECT histogram_quantile(b, 0.5) FROM h WHERE id = 1"), "10");
    EXPECT_EQ(value("SELECT histogram_quantile(b, 0.5) FROM h WHERE id = 3"), "NULL");
    EXPECT_EQ(value("SELECT histogram_quantile(b, 0.5) FROM h WHERE id = 4"), "NULL");
    EXPECT_EQ(value("SELECT histogram_count(histogram_merge(b)) FROM h"), "4");
    EXPECT_EQ(value("SELECT histogram_quantile(histogram_merge(b), 0.25) FROM h"), "10");
    EXPECT_EQ(value("SELECT histogram_quantile(histogram_merge(b), 0.26) FROM h"), "30");
    EXPECT_EQ(value("SELECT histogram_merge(b) FROM h WHERE id > 9"), "NULL");
}

TEST_F(Functions, percentile_is_exact_by_nearest_rank) {
    EXPECT_EQ(value("SELECT percentile(v, 50) FROM x"), "5");
    EXPECT_EQ(value("SELECT percentile(v, 51) FROM x"), "6");
    EXPECT_EQ(value("SELECT percentile(v, 90) FROM x"), "9");
    EXPECT_EQ(value("SELECT percentile(v, 99.9) FROM x"), "10");
    EXPECT_EQ(value("SELECT percentile(v, 100) FROM x"), "10");
    EXPECT_EQ(value("SELECT percentile(v, 0) FROM x"), "1");
    EXPECT_EQ(value("SELECT percentile(v, 50) FROM x WHERE v > 10"), "NULL");
    EXPECT_EQ(value("SELECT percentile(CASE WHEN v > 8 THEN v END, 50) FROM x"), "9");
    EXPECT_EQ(value("SELECT percentile(9007199254740993 + v, 0) FROM x"), "9007199254740994");
    EXPECT_EQ(value("SELECT percentile(v / 4.0, 50) FROM x"), "1.25");
    EXPECT_EQ(value("SELECT percentile(CASE WHEN v = 1 THEN 0.5 ELSE v END, 0) FROM x"), "0.5");
}

// What a person mistypes, and a blob that was damaged on the way.
TEST_F(Functions, wrong_arguments_fail_the_statement_with_a_message) {
    const std::string file = "history " + dir_.file() + ": ";
    add(5, "\x02\x02");
    Histogram cut;
    cut.record(1'000, 5);
    add(6, cut.encode().substr(0, cut.encode().size() - 1));
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"SELECT histogram_quantile(b, 1.5) FROM h",
         "histogram_quantile: q is 1.5: expected a number from 0 to 1, e.g. 0.99"},
        {"SELECT histogram_quantile(b, -1) FROM h",
         "histogram_quantile: q is -1: expected a number from 0 to 1, e.g. 0.99"},
        {"SELECT histogram_quantile(b, NULL) FROM h",
         "histogram_quantile: q is NULL: expected a number from 0 to 1, e.g. 0.99"},
        {"SELECT histogram_quantile(b, 'p99') FROM h",
         "histogram_quantile: q is p99: expected a number from 0 to 1, e.g. 0.99"},
        {"SELECT histogram_quantile(id, 0.5) FROM h",
         "histogram_quantile: the argument is '1': expected a histogram blob such as window.ttft"},
        {"SELECT histogram_count('text')",
         "histogram_count: the argument is 'text': expected a histogram blob such as window.ttft"},
        {"SELECT histogram_quantile(b, 0.5) FROM h WHERE id = 5",
         "histogram_quantile: histogram blob is damaged: the header ends early"},
        {"SELECT histogram_count(b) FROM h WHERE id = 6",
         "histogram_count: histogram blob is damaged: a bucket ends early"},
        {"SELECT histogram_merge(b) FROM h",
         "histogram_merge: histogram blob is damaged: the header ends early"},
        {"SELECT histogram_merge(id) FROM h",
         "histogram_merge: the argument is '1': expected a histogram blob such as window.ttft"},
        {"SELECT percentile(v, 0.99) FROM x",
         "percentile: p is 0.99: expected 0 or a number from 1 to 100, e.g. 99 for p99"},
        {"SELECT percentile(v, 101) FROM x",
         "percentile: p is 101: expected 0 or a number from 1 to 100, e.g. 99 for p99"},
        {"SELECT percentile('fast', 50) FROM x", "percentile: x is 'fast': expected a number"},
    };
    for (const auto& [sql, message] : cases) EXPECT_EQ(value(sql), file + message) << sql;
}

// An aggregate that fails half-way through its groups gives back what it had collected (seen by ASan).
TEST_F(Functions, failing_aggregate_leaks_nothing) {
    EXPECT_EQ(value("SELECT percentile(CASE WHEN v = 1 THEN 'x' ELSE v END, 50) FROM x"),
              "history " + dir_.file() + ": percentile: x is 'x': expected a number");
}

}  // namespace
}  // namespace replayd::storage
