// The writer: what was added is there, once, in order, whatever happens to the file.
#include "storage/history.hpp"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "tests/storage/sample.hpp"

namespace replayd::storage {
namespace {

RunTotals finished_totals(const std::string& hash) {
    RunTotals totals;
    totals.state = RunState::finished;
    totals.finished_ms = 9'000;
    totals.hash = hash;
    totals.snapshot.now = VirtualTime(77);
    totals.snapshot.finished = 5;
    totals.snapshot.last_batch_sequences = 3;
    return totals;
}

std::string finish_and_wait(History& history, std::int64_t run_id, const RunTotals& totals) {
    std::string message = "(not called)";
    history.finish_run(run_id, totals, [&](Result<void> done) { message = done ? "" : done.error().message; });
    static_cast<void>(history.flush());
    return message;
}

// A value of every type comes back equal after the file was closed and opened again.
TEST(History, requests_come_back_as_they_were_added) {
    const TempDir dir;
    std::int64_t run_id = 0;
    {
        const auto history = open_history(dir.file());
        run_id = sample_run(*history).id;
        history->add_requests(run_id, sample_requests(0, 100));
    }
    const auto reader = must(Reader::open(dir.file()));
    for (const std::int64_t sequence : {0, 8, 9, 99}) {
        EXPECT_EQ(must(reader->request(run_id, sequence)), sample_request(sequence)) << sequence;
    }
}

// A run that is rebuilt after a crash adds its rows again: the first ones stay, counters count them once.
TEST(History, adding_rows_again_changes_nothing) {
    const TempDir dir;
    const auto history = open_history(dir.file());
    const auto run_id = sample_run(*history).id;
    history->add_requests(run_id, sample_requests(0, 1'000));
    history->add_window(run_id, {sample_window(0), sample_window(1)});
    must(history->flush());
    auto altered = sample_requests(500, 1'200);
    for (auto& record : altered) record.id = "other";
    history->add_requests(run_id, altered);
    history->add_window(run_id, {sample_window(1), sample_window(2)});
    must(history->flush());

    EXPECT_EQ(history->counters().committed_request_rows, 1'200);
    EXPECT_EQ(history->counters().committed_window_rows, 3);
    EXPECT_EQ(history->counters().queued_rows, 0);
    const auto reader = must(Reader::open(dir.file()));
    EXPECT_EQ(must(reader->request(run_id, 999)).id, "req-999");
    EXPECT_EQ(must(reader->request(run_id, 1'000)).id, "other");
    EXPECT_EQ(must(reader->windows(run_id, VirtualTime(0), 10)).size(), 3U);
}

// The log answers what recovery asks: from a number on, in order, at most so many.
TEST(History, batches_come_back_in_order_from_a_number) {
    const TempDir dir;
    {
        const auto history = open_history(dir.file());
        const auto stream_id = sample_run(*history).stream_id;
        for (std::uint64_t seq = 1; seq <= 20; ++seq) {
            history->append_batch(stream_id, sample_batch(seq), [](Result<void> done) { EXPECT_TRUE(done); });
        }
    }
    const auto history = open_history(dir.file());
    const auto stream = must(history->streams()).at(0);
    const auto batches = must(history->batches(stream.id, 5, 3));
    ASSERT_EQ(batches.size(), 3U);
    EXPECT_EQ(batches[0].seq, 5U);
    EXPECT_EQ(batches[2].seq, 7U);
    EXPECT_EQ(batches[2].payload, sample_batch(7).payload);
    EXPECT_EQ(batches[2].arrivals, 10);
    EXPECT_EQ(batches[2].watermark, VirtualTime(7 * k_ns_per_s));
    EXPECT_EQ(must(history->batches(stream.id, 21, 3)).size(), 0U);
    EXPECT_EQ(must(history->batches(stream.id, ~std::uint64_t{0}, 3)).size(), 0U);
    EXPECT_EQ(must(history->batches(stream.id, 0, ~std::size_t{0})).size(), 20U);
}

// The log has no holes and never changes: each misuse gets its own message, a repetition none.
TEST(History, log_refuses_gaps_and_changed_batches) {
    const TempDir dir;
    const auto history = open_history(dir.file());
    const auto stream_id = sample_run(*history).stream_id;
    EXPECT_EQ(append_and_wait(*history, stream_id, sample_batch(2)),
              "batch 2 of stream 1: expected batch 1, the first that is not stored");
    EXPECT_EQ(append_and_wait(*history, stream_id, sample_batch(0)),
              "batch 0 of stream 1: expected batch 1, the first that is not stored");
    EXPECT_EQ(append_and_wait(*history, stream_id, sample_batch(1)), "");
    EXPECT_EQ(append_and_wait(*history, stream_id, sample_batch(1)), "");
    LoggedBatch changed = sample_batch(1);
    changed.payload += "!";
    EXPECT_EQ(append_and_wait(*history, stream_id, changed),
              "batch 1 of stream 1 is stored with other contents: a batch must be sent again as it was");
    EXPECT_EQ(append_and_wait(*history, 7, sample_batch(1)), "no stream 7 in the history");
    EXPECT_EQ(history->counters().committed_batches, 1);
    EXPECT_FALSE(history->trouble());
}

// Registrations: ids, names taken, and everything that a restart needs to know of a stream and its runs.
TEST(History, streams_and_unfinished_runs_survive_a_restart) {
    const TempDir dir;
    {
        const auto history = open_history(dir.file());
        const RunRow run = sample_run(*history);
        StreamRow stream = must(history->streams()).at(0);
        stream.speed = 2.5;
        stream.ended = true;
        stream.paused = true;
        stream.traced_system = R"({"engine":"vllm"})";
        must(history->update_stream(stream));
        RunRow second = run;
        second.scenario_toml = "name = 'pd' # changed";
        second = must(history->add_run(second, sample_plans(), sample_scenario()));
        RunRow third = must(history->add_run(run, sample_plans(), sample_scenario()));
        EXPECT_EQ(finish_and_wait(*history, second.id, finished_totals("aa")), "");
        RunTotals interrupted;
        interrupted.state = RunState::interrupted;
        EXPECT_EQ(finish_and_wait(*history, third.id, interrupted), "");
    }
    const auto history = open_history(dir.file());
    const auto streams = must(history->streams());
    ASSERT_EQ(streams.size(), 1U);
    EXPECT_EQ(streams[0].name, "azure");
    EXPECT_EQ(streams[0].speed, 2.5);
    EXPECT_EQ(streams[0].created_ms, 1'000);
    EXPECT_TRUE(streams[0].ended);
    EXPECT_TRUE(streams[0].paused);
    EXPECT_EQ(streams[0].traced_system, R"({"engine":"vllm"})");
    const auto runs = must(history->unfinished_runs(streams[0].id));
    ASSERT_EQ(runs.size(), 2U);
    EXPECT_EQ(runs[0].id, 1);
    EXPECT_EQ(runs[0].scenario, "pd");
    EXPECT_EQ(runs[0].scenario_toml, "name = 'pd'");
    EXPECT_EQ(runs[0].engine_version, "0.1.0");
    EXPECT_EQ(runs[0].created_ms, 2'000);
    EXPECT_EQ(runs[1].id, 3);
    const auto reader = must(Reader::open(dir.file()));
    EXPECT_EQ(must(reader->query("SELECT count(*) FROM scenario")).rows[0][0], Cell(std::int64_t{2}));
}

TEST(History, wrong_registrations_get_exact_messages) {
    const TempDir dir;
    const auto history = open_history(dir.file());
    const RunRow run = sample_run(*history);
    StreamRow stream;
    stream.name = "azure";
    EXPECT_EQ(error_of(history->add_stream(stream)), "a stream named 'azure' exists: choose another name");
    stream.id = 9;
    EXPECT_EQ(error_of(history->update_stream(stream)), "no stream 9 in the history");
    EXPECT_EQ(error_of(history->add_run(run, {}, sample_scenario())),
              "run of scenario 'pd': it has 0 memory plans, expected 2, one per pool");
    RunRow astray = run;
    astray.stream_id = 9;
    EXPECT_EQ(error_of(history->add_run(astray, sample_plans(), sample_scenario())), "no stream 9 in the history");
    EXPECT_EQ(finish_and_wait(*history, 99, finished_totals("aa")), "no run 99 in the history");
    EXPECT_EQ(finish_and_wait(*history, run.id, finished_totals("aa")), "");
    EXPECT_EQ(finish_and_wait(*history, run.id, finished_totals("aa")), "");
    EXPECT_EQ(finish_and_wait(*history, run.id, finished_totals("bb")),
              "run 1 finished before with hash aa: it cannot end again with hash 'bb'");
}

// finish_run comes after the rows: when it is answered, a reader sees all of them.
TEST(History, finished_run_has_all_its_rows) {
    const TempDir dir;
    const auto history = open_history(dir.file());
    const auto run_id = sample_run(*history).id;
    history->add_requests(run_id, sample_requests(0, 20'000));
    std::promise<std::int64_t> seen;
    history->finish_run(run_id, finished_totals("aa"), [&](Result<void> done) {
        EXPECT_TRUE(done);
        const auto reader = must(Reader::open(dir.file()));
        seen.set_value(std::get<std::int64_t>(must(reader->query("SELECT count(*) FROM request")).rows[0][0]));
    });
    EXPECT_EQ(seen.get_future().get(), 20'000);
}

// Appends that wait while a transaction runs share the next commit.
TEST(History, waiting_batches_share_commits) {
    const TempDir dir;
    const auto history = open_history(dir.file());
    const auto stream_id = sample_run(*history).stream_id;
    const auto before = history->counters().commits;
    // The first callback holds the writer thread until all others are queued.
    std::promise<void> queued;
    std::shared_future<void> all_queued = queued.get_future().share();
    history->append_batch(stream_id, sample_batch(1), [all_queued](Result<void>) { all_queued.wait(); });
    for (std::uint64_t seq = 2; seq <= 500; ++seq) {
        history->append_batch(stream_id, sample_batch(seq), [](Result<void> done) { EXPECT_TRUE(done); });
    }
    queued.set_value();
    must(history->flush());
    // The first append (and what was queued before it ran), the rest, and the two halves of flush.
    EXPECT_LE(history->counters().commits - before, 4);
    EXPECT_EQ(history->counters().committed_batches, 500);
}

// With the writer held, the lane fills: the batch that is over the bound is refused, none is dropped.
TEST(History, full_queue_of_batches_refuses_with_a_message) {
    const TempDir dir;
    HistoryOptions options;
    options.path = dir.file();
    options.queue_batches_max = 3;
    const auto history = must(History::open(options));
    const auto stream_id = sample_run(*history).stream_id;
    std::promise<void> holding;
    std::promise<void> release;
    history->append_batch(stream_id, sample_batch(1), [&](Result<void>) {
        holding.set_value();
        release.get_future().wait();
    });
    holding.get_future().wait();
    std::vector<std::string> answers;
    for (std::uint64_t seq = 2; seq <= 5; ++seq) {
        history->append_batch(stream_id, sample_batch(seq),
                              [&](Result<void> done) { answers.push_back(error_of(done)); });
    }
    release.set_value();
    must(history->flush());
    EXPECT_EQ(answers, (std::vector<std::string>{
                           "(no error)", "(no error)", "(no error)",
                           "the history has too many batches waiting: send this one again later"}));
}

// A full file fails the append that does not fit, keeps the log whole, and says so until it can write again.
TEST(History, full_file_refuses_batches_and_keeps_the_log_whole) {
    const TempDir dir;
    HistoryOptions options;
    options.path = dir.file();
    options.file_bytes_max = 1 << 20;
    std::uint64_t acked = 0;
    {
        const auto history = must(History::open(options));
        const auto stream_id = sample_run(*history).stream_id;
        LoggedBatch big = sample_batch(1);
        big.payload.assign(100'000, 'x');
        std::string message;
        while (message.empty()) {
            big.seq = acked + 1;
            message = append_and_wait(*history, stream_id, big);
            if (message.empty()) ++acked;
            ASSERT_LT(acked, 20U);
        }
        EXPECT_EQ(message, "history " + dir.file() +
                               ": database or disk is full; free disk space, or raise the size limit of the history");
        EXPECT_GE(history->counters().failed_commits, 1);
        LoggedBatch small = sample_batch(acked + 1, 1);
        EXPECT_EQ(append_and_wait(*history, stream_id, small), "");
        EXPECT_FALSE(history->trouble());
        ++acked;
    }
    const auto history = open_history(dir.file());
    EXPECT_EQ(must(history->batches(1, 1, 100)).size(), acked);
}

// Rows that do not fit are kept: flush tells why, refuse_rows frees a waiting caller, and nothing half is stored.
TEST(History, full_file_holds_rows_back_and_reports_it) {
    const TempDir dir;
    HistoryOptions options;
    options.path = dir.file();
    options.file_bytes_max = 400'000;
    options.queue_rows_max = 20'000;
    const std::string full =
        "history " + dir.file() + ": database or disk is full; free disk space, or raise the size limit of the history";
    {
        std::string answer;  // outlives the writer, which may answer while it stops
        const auto history = must(History::open(options));
        const auto run_id = sample_run(*history).id;
        history->add_requests(run_id, sample_requests(0, 20'000));
        EXPECT_EQ(error_of(history->flush()), full);
        ASSERT_TRUE(history->trouble());
        EXPECT_EQ(history->trouble()->message, full);
        EXPECT_GT(history->counters().queued_rows, 0);
        std::thread blocked([&] { history->add_requests(run_id, sample_requests(20'000, 40'000)); });
        history->refuse_rows();
        blocked.join();
        history->finish_run(run_id, finished_totals("aa"), [&](Result<void> done) { answer = error_of(done); });
        EXPECT_EQ(error_of(history->flush()), full);
    }
    const auto history = open_history(dir.file());
    EXPECT_EQ(must(history->unfinished_runs(1)).size(), 1U);
}

// The hook sees each commit once.
TEST(History, on_commit_is_called_for_every_commit) {
    const TempDir dir;
    std::int64_t calls = 0;
    std::int64_t commits = 0;
    HistoryOptions options;
    options.path = dir.file();
    options.durability = Durability::full;
    options.on_commit = [&](std::int64_t wall_ns) { calls += wall_ns >= 0 ? 1 : 0; };
    {
        const auto history = must(History::open(options));
        sample_run(*history);
        must(history->flush());
        commits = history->counters().commits;
        EXPECT_GE(history->counters().commit_wall_ns_total, 0);
    }
    EXPECT_GE(commits, 4);
    EXPECT_GE(calls, commits);
}

}  // namespace
}  // namespace replayd::storage
