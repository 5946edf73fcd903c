// Opening files that are missing, foreign, newer, damaged or out of reach: one exact message each, and the bytes of a
// file that is not ours are never touched.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <array>

#include "storage/schema.hpp"
#include "tests/storage/sample.hpp"

namespace replayd::storage {
namespace {

void make_database(const std::string& path, const std::string& sql) {
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &raw), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(raw);
    sqlite3_close(raw);
}

void make_file(const std::string& path, const std::string& contents) {
    std::ofstream(path, std::ios::binary) << contents;
}

Error open_error(const std::string& path) {
    HistoryOptions options;
    options.path = path;
    auto history = History::open(std::move(options));
    if (history) return Error{Code::internal, "(no error)"};
    return history.error();
}

Error reader_error(const std::string& path) {
    auto reader = Reader::open(path);
    if (reader) return Error{Code::internal, "(no error)"};
    return reader.error();
}

// The file says what it is, so that other tools (file(1), sqlite3) and newer versions can tell.
TEST(Opening, new_file_carries_identity_and_version) {
    const TempDir dir;
    { const auto history = open_history(dir.file()); }
    auto connection = must(Connection::open(dir.file(), Access::read_only));
    EXPECT_EQ(must(connection.query_integer("PRAGMA application_id")), k_application_id);
    EXPECT_EQ(must(connection.query_integer("PRAGMA user_version")), k_schema_version);
    EXPECT_EQ(must(connection.query_integer("SELECT count(*) FROM pragma_table_list WHERE type = 'table' AND "
                                            "schema = 'main' AND name NOT LIKE 'sqlite%' AND strict = 0")),
              0);
}

TEST(Opening, text_file_is_refused_untouched) {
    const TempDir dir;
    const std::string text(300, 'a');
    make_file(dir.file(), text);
    EXPECT_EQ(open_error(dir.file()).message,
              "history " + dir.file() + ": it is not an SQLite database: choose another path");
    EXPECT_EQ(reader_error(dir.file()).message,
              "history " + dir.file() + ": it is not an SQLite database: choose another path");
    EXPECT_EQ(bytes_of(dir.file()), text);
}

TEST(Opening, short_file_is_refused_untouched) {
    const TempDir dir;
    make_file(dir.file(), "x");
    EXPECT_EQ(open_error(dir.file()).message,
              "history " + dir.file() + ": it is not an SQLite database: choose another path");
    EXPECT_EQ(bytes_of(dir.file()), "x");
}

// A database without application_id, and one with another's, in both journal modes.
TEST(Opening, database_of_another_application_is_refused_untouched) {
    for (const auto& [sql, id] : std::vector<std::pair<std::string, std::string>>{
             {"CREATE TABLE t (a)", "0x00000000"},
             {"PRAGMA journal_mode = WAL; CREATE TABLE t (a)", "0x00000000"},
             {"PRAGMA application_id = 252006674; CREATE TABLE t (a)", "0x0f055112"}}) {
        const TempDir dir;
        make_database(dir.file(), sql);
        const std::string before = bytes_of(dir.file());
        const std::string want = "history " + dir.file() +
                                 ": it is a database of another application (application_id " + id +
                                 ", expected 0x72706c64): choose another path";
        EXPECT_EQ(open_error(dir.file()).message, want);
        EXPECT_EQ(open_error(dir.file()).code, Code::invalid_argument);
        EXPECT_EQ(reader_error(dir.file()).message, want);
        EXPECT_EQ(bytes_of(dir.file()), before);
    }
}

TEST(Opening, newer_schema_is_refused_untouched) {
    const TempDir dir;
    { const auto history = open_history(dir.file()); }
    make_database(dir.file(), "PRAGMA user_version = 9");
    const std::string before = bytes_of(dir.file());
    const std::string want = "history " + dir.file() +
                             ": its schema version 9 was made by a newer replayd, this one knows versions up to " +
                             std::to_string(k_schema_version) +
                             "; the file is left untouched: upgrade replayd or choose another path";
    EXPECT_EQ(open_error(dir.file()).message, want);
    EXPECT_EQ(open_error(dir.file()).code, Code::failed_state);
    EXPECT_EQ(reader_error(dir.file()).message, want);
    EXPECT_EQ(bytes_of(dir.file()), before);
}

// After a kill the newer version may still be in the WAL alone: it is seen there, and not moved into the file.
TEST(Opening, newer_schema_in_the_wal_is_refused_untouched) {
    const TempDir dir;
    { const auto history = open_history(dir.file()); }
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open(dir.file().c_str(), &raw), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(raw, "PRAGMA user_version = 9", nullptr, nullptr, nullptr), SQLITE_OK);
    for (const char* end : {"", "-wal"}) {
        std::filesystem::copy_file(dir.file() + end, dir.file("copy.sqlite") + end);
    }
    sqlite3_close(raw);
    const std::string copy = dir.file("copy.sqlite");
    const std::string before = bytes_of(copy);
    const std::string wal_before = bytes_of(copy + "-wal");
    EXPECT_EQ(open_error(copy).code, Code::failed_state);
    EXPECT_EQ(bytes_of(copy), before);
    EXPECT_EQ(bytes_of(copy + "-wal"), wal_before);
}

// A file of the first version is brought up to date; its plans get the bases that their lines had.
TEST(Opening, first_version_is_migrated) {
    const TempDir dir;
    make_database(dir.file(), std::string(k_schema_sql) +
                                  "PRAGMA application_id = 1919970404; PRAGMA user_version = 1;"
                                  "INSERT INTO stream VALUES (1, 's', 0, 1, 0, 0, NULL);"
                                  "INSERT INTO scenario VALUES (1, 'c', '', 'm', 0, 1, NULL, NULL, 1, '');"
                                  "INSERT INTO run (id, stream_id, scenario_id, engine_version, created_ms, state) "
                                  "VALUES (1, 1, 1, '0', 1, 'running');"
                                  "INSERT INTO pool VALUES (1, 0, 'p', 'mixed', 'g', 1, 1, 9, 8, 1, 1, 0, 5, 5, 0, 7);"
                                  "INSERT INTO memory_plan VALUES (1, 0, 0, 'weights: attention', 3, 'f'),"
                                  "(1, 0, 1, 'weights: absorbed kv_b', 1, 'f'), (1, 0, 2, 'activations', 1, 'f'),"
                                  "(1, 0, 3, 'runtime', 1, 'f')");
    { const auto history = open_history(dir.file()); }
    const auto plans = must(must(Reader::open(dir.file()))->plans(1));
    ASSERT_EQ(plans.size(), 1U);
    ASSERT_EQ(plans[0].items.size(), 4U);
    EXPECT_EQ(plans[0].items[0].basis, ItemBasis::physics);
    EXPECT_EQ(plans[0].items[1].basis, ItemBasis::habit);
    EXPECT_EQ(plans[0].items[2].basis, ItemBasis::habit);
    EXPECT_EQ(plans[0].items[3].basis, ItemBasis::assumption);
    EXPECT_TRUE(plans[0].outside.empty());
}

// A file of every older version, as the steps of that version made it, with a row in each table: after a start it has
// the newest version, the rows are as they were, and no rule is broken.
TEST(Opening, every_older_version_is_migrated_with_its_rows) {
    const std::array<const char*, k_schema_version - 1> steps = {
        k_schema_sql, k_schema_2_sql, k_schema_3_sql, k_schema_4_sql, k_schema_5_sql, k_schema_6_sql, k_schema_7_sql};
    for (std::size_t version = 1; version < static_cast<std::size_t>(k_schema_version); ++version) {
        SCOPED_TRACE("version " + std::to_string(version));
        const TempDir dir;
        std::string sql;
        for (std::size_t i = 0; i < version; ++i) sql += steps[i];
        make_database(
            dir.file(),
            sql + "PRAGMA application_id = 1919970404; PRAGMA user_version = " + std::to_string(version) +
                "; INSERT INTO stream VALUES (1, 's', 2.5, 11, 1, 0, NULL);"
                "INSERT INTO arrival_batch VALUES (1, 1, 1, 1, 1, 5, x'00'), (2, 1, 2, 1, 2, 6, x'01');"
                "INSERT INTO scenario VALUES (1, 'c', '', 'm', 0, 1, NULL, NULL, 1, 'toml');"
                "INSERT INTO run (id, stream_id, scenario_id, engine_version, created_ms, state, hash, arrived, "
                "finished) VALUES (1, 1, 1, '0', 1, 'finished', 'h', 2, 2);INSERT INTO request (run_id, sequence, id, "
                "outcome, prompt_tokens, output_tokens, cached_tokens, arrived_ns, scheduled_ns, first_token_ns, "
                "decode_started_ns, finished_ns, preemptions, prefill_replica, decode_replica, gateway_queue_ns, "
                "routing_ns, prefill_queue_ns, prefill_compute_ns, chunk_wait_ns, transfer_wait_ns, transfer_ns, "
                "decode_queue_ns, decode_compute_ns, batch_interference_ns, preemption_stall_ns, recompute_ns) SELECT "
                "1, column1, 'r' || column1, 'finished', 3, 4, 0, 5, 6, 7, 8, 9 + column1, 0, 0, 0, 0, 0, 0, 4 + "
                "column1, 0, 0, 0, 0, 0, 0, 0, 0 FROM (VALUES (0), (1))");
        {
            const auto history = open_history(dir.file());
            const auto batches = must(history->batches(1, 1, 10));
            ASSERT_EQ(batches.size(), 2U);
            EXPECT_EQ(batches[1].payload, std::string("\x01", 1));
            EXPECT_EQ(must(history->streams())[0].speed, 2.5);
            EXPECT_EQ(must(history->streams())[0].request_rows, "all");
        }
        const auto reader = must(Reader::open(dir.file()));
        const auto requests = must(reader->requests(1, {}));
        ASSERT_EQ(requests.size(), 2U);
        EXPECT_EQ(requests[0].id, "r1");
        EXPECT_EQ(requests[0].ledger.sum(), Duration(5));
        EXPECT_EQ(must(reader->run(1)).totals.hash, "h");
    }
}

TEST(Opening, paths_out_of_reach_are_named_with_the_reason) {
    const TempDir dir;
    const std::string here = std::filesystem::path(dir.file()).parent_path();
    EXPECT_EQ(open_error("").message, "the path of the history is empty: expected a file name");
    EXPECT_EQ(open_error(here + "/none/h.sqlite").message,
              "cannot open the history " + here + "/none/h.sqlite: the directory " + here +
                  "/none does not exist: create it or choose another path");
    EXPECT_EQ(open_error(here + "/none/h.sqlite").code, Code::not_found);
    EXPECT_EQ(open_error(here).message, "cannot open the history " + here + ": it is a directory: expected a file");
    EXPECT_EQ(open_error(here).code, Code::invalid_argument);
    EXPECT_EQ(open_error("/proc/replayd.sqlite").message,
              "cannot open the history /proc/replayd.sqlite: No such file or directory");
    EXPECT_EQ(open_error(":memory:").message,
              "history :memory:: it cannot have a write-ahead log (journal mode is 'memory'): choose a path on a "
              "local file system");
}

TEST(Opening, size_limit_below_a_page_is_refused) {
    const TempDir dir;
    HistoryOptions options;
    options.path = dir.file();
    options.file_bytes_max = 100;
    EXPECT_EQ(error_of(History::open(options)),
              "the size limit of the history is 100 bytes: expected 0 (none) or at least a page, 4096");
}

TEST(Opening, reader_of_a_missing_file_says_how_to_make_one) {
    const TempDir dir;
    const Error error = reader_error(dir.file());
    EXPECT_EQ(error.message, "no history at " + dir.file() +
                                 ": run the daemon or `replayctl replay --db` first, or name another file");
    EXPECT_EQ(error.code, Code::not_found);
    EXPECT_FALSE(std::filesystem::exists(dir.file()));
}

TEST(Opening, reader_does_not_migrate) {
    const TempDir dir;
    make_file(dir.file(), "");
    EXPECT_EQ(reader_error(dir.file()).message, "history " + dir.file() + ": it has schema version 0, expected " +
                                                    std::to_string(k_schema_version) +
                                                    ": start the daemon once to "
                                                    "migrate it");
    EXPECT_EQ(bytes_of(dir.file()), "");
}

// Pages overwritten in the middle: the statement that meets them fails with SQLite's finding, nothing crashes.
TEST(Opening, damaged_pages_are_reported_by_the_query_that_meets_them) {
    const TempDir dir;
    {
        const auto history = open_history(dir.file());
        const auto run_id = sample_run(*history).id;
        history->add_requests(run_id, sample_requests(0, 5'000));
    }
    std::string bytes = bytes_of(dir.file());
    for (std::size_t i = bytes.size() / 2; i < bytes.size(); ++i) bytes[i] = '\xa5';
    make_file(dir.file(), bytes);
    const auto reader = must(Reader::open(dir.file()));
    EXPECT_EQ(error_of(reader->query("SELECT sum(e2e_ns) FROM request_latency")),
              "history " + dir.file() + ": database disk image is malformed; restore a backup, or move the file away");
}

}  // namespace
}  // namespace replayd::storage
