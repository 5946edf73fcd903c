// Check, backup and retention of a history, while another connection goes on writing to it.
#include <gtest/gtest.h>

#include <algorithm>

#include "storage/backup.hpp"
#include "storage/integrity.hpp"
#include "storage/prune.hpp"
#include "storage/span_spool.hpp"
#include "tests/storage/sample.hpp"

namespace replayd::storage {
namespace {

/// A finished run on a stream that has ended: `requests` of them in one batch.
void add_stream_over(History& history, const std::string& name, std::int64_t created_ms, std::int64_t requests) {
    StreamRow stream;
    stream.name = name;
    stream.created_ms = created_ms;
    RunRow run;
    run.scenario = "pd";
    const auto plans = sample_plans();
    const Scenario scenario = sample_scenario();
    auto added = must(history.add_stream_with_runs(stream, {{run, plans, scenario}}));
    LoggedBatch batch = sample_batch(1, requests);
    ASSERT_EQ(append_and_wait(history, added.stream.id, batch), "");
    history.add_requests(added.runs[0].id, sample_requests(0, requests));
    WindowRecord window = sample_window(0);
    window.finished = requests - requests / 10;
    window.rejected = requests / 10;
    history.add_window(added.runs[0].id, {window});
    RunTotals totals;
    totals.state = RunState::finished;
    totals.hash = "hash";
    totals.snapshot.arrived = requests;
    totals.snapshot.finished = window.finished;
    totals.snapshot.rejected = window.rejected;
    history.finish_run(added.runs[0].id, totals, [](Result<void> done) { EXPECT_TRUE(done); });
    added.stream.ended = true;
    must(history.update_stream(added.stream));
    must(history.flush());
}

std::vector<std::string> broken_rules(const std::string& path) {
    std::vector<std::string> broken;
    for (const CheckLine& line : must(check_history(path, true))) {
        if (line.broken > 0) broken.push_back(line.rule + ": " + line.first);
    }
    return broken;
}

std::vector<std::string> stream_names(History& history) {
    std::vector<std::string> names;
    for (const StreamRow& row : must(history.streams())) names.push_back(row.name);
    return names;
}

TEST(Check, a_sound_history_breaks_no_rule) {
    const TempDir dir;
    const auto history = open_history(dir.file());
    add_stream_over(*history, "a", 1, 100);
    EXPECT_EQ(broken_rules(dir.file()), std::vector<std::string>());
}

// Each statement breaks one rule, which names the row.
TEST(Check, each_rule_finds_what_breaks_it) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"UPDATE arrival_batch SET seq = 2",
         "batches of a stream are numbered 1, 2, 3, … without gaps: stream 1: 1 batches, "
         "numbered 2 to 2"},
        {"UPDATE arrival_batch SET arrivals_total = 7",
         "a batch counts its arrivals and those before it: stream 1, batch 1"},
        {"UPDATE arrival_batch SET watermark_ns = -1", "the watermark of a stream never falls: stream 1, batch 1"},
        {"UPDATE run SET arrived = 99", "a finished run took every arrival of its stream: run 1: 99 of 100 arrivals"},
        {"DELETE FROM request WHERE sequence = 5",
         "a finished run has one request row per arrival: run 1: 99 rows of 100"},
        {"UPDATE window SET finished = 1", "windows of a finished run count its requests: run 1: 11 of 100"},
        {"UPDATE request SET routing_ns = routing_ns + 1 WHERE sequence = 4",
         "the ledger of a request sums to its latency: run 1, request 4"},
        {"PRAGMA foreign_keys = 0; DELETE FROM stream", "every row belongs to a row that exists: table "}};
    for (const auto& [sql, expected] : cases) {
        const TempDir dir;
        add_stream_over(*open_history(dir.file()), "a", 1, 100);
        must(must(Connection::open(dir.file(), Access::read_write)).execute(sql));
        const auto broken = broken_rules(dir.file());
        const bool found = std::any_of(broken.begin(), broken.end(),
                                       [&](const std::string& line) { return line.find(expected) == 0; });
        EXPECT_TRUE(found) << sql << " gave " << (broken.empty() ? "nothing" : broken.front());
    }
}

// The writer goes on between the steps of the copy; the copy is one state, and complete.
TEST(Backup, copies_a_history_that_is_being_written) {
    const TempDir dir;
    const auto history = open_history(dir.file());
    add_stream_over(*history, "a", 1, 20'000);
    const auto run_id = sample_run(*history, "b").id;
    std::int64_t steps = 0;
    const auto done = must(back_up(dir.file(), dir.file("copy.sqlite"), [&](const BackupProgress&) {
        history->add_requests(run_id, sample_requests(steps * 100, steps * 100 + 100));
        must(history->flush());
        ++steps;
    }));
    EXPECT_GT(done.pages, 1000);
    EXPECT_GE(steps, 1);
    EXPECT_EQ(broken_rules(dir.file("copy.sqlite")), std::vector<std::string>());
    EXPECT_EQ(stream_names(*open_history(dir.file("copy.sqlite"))), (std::vector<std::string>{"a", "b"}));
    EXPECT_FALSE(std::filesystem::exists(dir.file("copy.sqlite.partial")));
}

/// A spool beside the history, with one span of stream "a" and one of another.
void add_spans(const TempDir& dir, const std::string& other) {
    auto spool = must(SpanSpool::open(span_spool_path(dir.file()), Durability::normal));
    ASSERT_EQ(must(spool.add({{"a", "one", VirtualTime(10), "payload"}, {other, "two", VirtualTime(20), "payload"}})),
              2);
}

// The spool is open elsewhere, as the daemon has it: what is only in its write-ahead log is copied, too.
TEST(Backup, has_the_spans_that_wait) {
    const TempDir dir;
    add_stream_over(*open_history(dir.file()), "a", 1, 10);
    const auto daemons = must(SpanSpool::open(span_spool_path(dir.file()), Durability::normal));
    add_spans(dir, "a");
    const std::string copy = dir.file("copy.sqlite");
    const BackedUp done = must(back_up(dir.file(), copy, {}));
    EXPECT_EQ(done.spans, copy + "-spans");
    EXPECT_EQ(broken_rules(copy), std::vector<std::string>());
    auto spool = must(SpanSpool::open(done.spans, Durability::normal));
    const auto spans = must(spool.between("a", VirtualTime(0), VirtualTime(100), 10));
    ASSERT_EQ(spans.size(), 2U);
    EXPECT_EQ(spans[1].key, "two");
    EXPECT_EQ(spans[1].payload, "payload");
    EXPECT_FALSE(std::filesystem::exists(done.spans + ".partial"));
}

TEST(Backup, says_nothing_of_spans_where_none_came) {
    const TempDir dir;
    add_stream_over(*open_history(dir.file()), "a", 1, 10);
    EXPECT_EQ(must(back_up(dir.file(), dir.file("copy.sqlite"), {})).spans, "");
    EXPECT_FALSE(std::filesystem::exists(dir.file("copy.sqlite-spans")));
}

// Whatever stops it, nothing is left under the names of the backup.
TEST(Backup, of_spans_that_cannot_be_copied_leaves_nothing) {
    const TempDir dir;
    add_stream_over(*open_history(dir.file()), "a", 1, 10);
    std::ofstream(dir.file("copy.sqlite-spans")) << "there";
    EXPECT_EQ(error_of(back_up(dir.file(), dir.file("copy.sqlite"), {})),
              dir.file("copy.sqlite-spans") + " exists: a backup is never written over a file; choose another name");
    must(must(Connection::open(dir.file() + "-spans", Access::read_write_create)).execute("CREATE TABLE mine (x)"));
    EXPECT_EQ(
        error_of(back_up(dir.file(), dir.file("other.sqlite"), {})),
        dir.file() +
            "-spans is another kind of SQLite file: expected none there, or the spans that replayd keeps beside its "
            "history; move it away");
    for (const char* rest : {"", "-spans", ".partial", "-spans.partial"}) {
        EXPECT_FALSE(std::filesystem::exists(dir.file("other.sqlite") + rest)) << rest;
    }
}

TEST(Check, spans_that_wait_have_a_stream_and_sound_pages) {
    const TempDir dir;
    add_stream_over(*open_history(dir.file()), "a", 1, 10);
    add_spans(dir, "gone");
    EXPECT_EQ(broken_rules(dir.file()),
              (std::vector<std::string>{"a span that waits has its stream: stream gone: 1 spans"}));
    const std::string path = span_spool_path(dir.file());
    std::string bytes = bytes_of(path);
    const std::size_t last_key = bytes.rfind("two");  // in the index, whose page comes after the table's
    ASSERT_NE(last_key, std::string::npos);
    bytes.replace(last_key, 3, "six");
    std::ofstream(path, std::ios::binary) << bytes;
    const auto broken = broken_rules(dir.file());
    ASSERT_FALSE(broken.empty());
    EXPECT_EQ(broken.front().find("the pages of the spans that wait are sound: "), 0U) << broken.front();
}

TEST(Backup, writes_over_nothing_and_needs_a_history) {
    const TempDir dir;
    add_stream_over(*open_history(dir.file()), "a", 1, 10);
    EXPECT_EQ(error_of(back_up(dir.file(), dir.file(), {})),
              dir.file() + " exists: a backup is never written over a file; choose another name");
    EXPECT_EQ(error_of(back_up(dir.file("none"), dir.file("copy"), {})),
              "no history at " + dir.file("none") + ": name the file that the daemon writes");
}

TEST(Prune, takes_the_oldest_streams_that_are_over_by_age_by_size_and_by_name) {
    const TempDir dir;
    const auto history = open_history(dir.file());
    for (const auto& [name, created] :
         std::vector<std::pair<std::string, std::int64_t>>{{"old", 100}, {"mid", 200}, {"new", 300}}) {
        add_stream_over(*history, name, created, 3'000);
    }
    sample_run(*history, "live");  // created at 1,000 and not over: it stays whatever is asked
    EXPECT_EQ(must(prune(dir.file(), {150, 0, ""})).streams, std::vector<std::string>{"old"});
    const Pruned by_size = must(prune(dir.file(), {0, 1'000'000, ""}));
    EXPECT_EQ(by_size.streams, std::vector<std::string>{"mid"});
    EXPECT_GT(by_size.bytes_before, 1'000'000);
    EXPECT_LE(by_size.bytes_after, 1'000'000);
    EXPECT_EQ(must(prune(dir.file(), {0, 0, "new"})).streams, std::vector<std::string>{"new"});
    EXPECT_EQ(stream_names(*history), std::vector<std::string>{"live"});
    EXPECT_EQ(error_of(prune(dir.file(), {0, 0, "live"})),
              "stream 'live' is not over: expected one that has ended and whose runs are finished; end it first");
    EXPECT_EQ(error_of(prune(dir.file(), {0, 0, "none"})), "no stream 'none' in the history");
    EXPECT_EQ(broken_rules(dir.file()), std::vector<std::string>());
    // The daemon writes on.
    add_stream_over(*history, "next", 400, 100);
    EXPECT_EQ(broken_rules(dir.file()), std::vector<std::string>());
}

}  // namespace
}  // namespace replayd::storage
