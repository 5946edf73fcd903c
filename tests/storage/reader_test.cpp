// Typed answers for the API.
#include "storage/query.hpp"

#include <gtest/gtest.h>

#include "storage/run_rows.hpp"
#include "tests/storage/sample.hpp"

namespace replayd::storage {
namespace {

/// Two streams with a run each; the first has 100 requests and 10 windows, and has finished.
class ReaderTest : public ::testing::Test {
protected:
    void SetUp() override {
        {
            const auto history = open_history(dir_.file());
            run_ = sample_run(*history);
            other_ = sample_run(*history, "mooncake");
            history->append_batch(run_.stream_id, sample_batch(1), {});
            history->append_batch(run_.stream_id, sample_batch(2, 7), {});
            history->add_requests(run_.id, sample_requests(0, 100));
            history->add_requests(other_.id, sample_requests(40, 60));
            for (std::int64_t i = 0; i < 10; ++i) history->add_window(run_.id, {sample_window(i)});
            RunTotals totals;
            totals.state = RunState::finished;
            totals.finished_ms = 5'000;
            totals.hash = "00ff";
            std::int64_t next = 0;
            for (std::int64_t* value : integers_of(totals.snapshot)) *value = ++next;
            history->finish_run(run_.id, totals, {});
        }
        reader_ = must(Reader::open(dir_.file()));
    }

    std::vector<std::int64_t> sequences(const RequestFilter& filter) {
        std::vector<std::int64_t> result;
        for (const auto& record : must(reader_->requests(run_.id, filter))) result.push_back(record.sequence);
        return result;
    }

    TempDir dir_;
    RunRow run_;
    RunRow other_;
    std::unique_ptr<Reader> reader_;
};

TEST_F(ReaderTest, streams_tell_how_far_their_log_goes) {
    const auto streams = must(reader_->streams());
    ASSERT_EQ(streams.size(), 2U);
    EXPECT_EQ(streams[0].row.name, "azure");
    EXPECT_EQ(streams[0].batches, 2);
    EXPECT_EQ(streams[0].arrivals, 17);
    EXPECT_EQ(streams[0].watermark, VirtualTime(2 * k_ns_per_s));
    EXPECT_EQ(streams[1].batches, 0);
    EXPECT_EQ(streams[1].arrivals, 0);
}

TEST_F(ReaderTest, runs_come_newest_first_and_by_stream) {
    const auto all = must(reader_->runs({}));
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].row.id, other_.id);
    EXPECT_EQ(all[1].row.id, run_.id);
    EXPECT_EQ(must(reader_->runs({.stream = "azure"})).at(0).row.id, run_.id);
    EXPECT_EQ(must(reader_->runs({.stream = "azure"})).size(), 1U);
    EXPECT_EQ(must(reader_->runs({.stream = "", .limit = 1})).size(), 1U);
    EXPECT_TRUE(must(reader_->runs({.stream = "none"})).empty());
}

TEST_F(ReaderTest, run_has_totals_and_the_facts_of_its_scenario) {
    const RunInfo info = must(reader_->run(run_.id));
    EXPECT_EQ(info.row.scenario_toml, "name = 'pd'");
    EXPECT_EQ(info.stream, "azure");
    EXPECT_EQ(info.totals.state, RunState::finished);
    EXPECT_EQ(info.totals.finished_ms, 5'000);
    EXPECT_EQ(info.totals.hash, "00ff");
    EXPECT_EQ(info.totals.snapshot.now, VirtualTime(1));
    EXPECT_EQ(info.totals.snapshot.cache.evicted_entries, 19);
    std::int64_t next = 0;
    for (const std::int64_t* value : integers_of(info.totals.snapshot)) EXPECT_EQ(*value, ++next);
    EXPECT_EQ(info.model, "Llama-3.1-8B");
    EXPECT_EQ(info.description, "two pools");
    EXPECT_TRUE(info.disaggregated);
    EXPECT_EQ(info.gpus, 5);
    EXPECT_EQ(info.slo_ttft, Duration(500 * k_ns_per_ms));
    EXPECT_EQ(info.slo_tpot, Duration(0));
    EXPECT_EQ(info.window, Duration(10 * k_ns_per_s));
    ASSERT_EQ(info.pools.size(), 2U);
    EXPECT_EQ(info.pools[1].name, "d");
    EXPECT_EQ(info.pools[1].role, "decode");
    EXPECT_EQ(info.pools[1].gpu, "H100-SXM");
    EXPECT_EQ(info.pools[1].replicas, 3);
    EXPECT_EQ(info.pools[1].gpus, 1);
    EXPECT_EQ(must(reader_->run(other_.id)).totals.state, RunState::running);
}

// Every line with its basis, and those beside the budget.
TEST_F(ReaderTest, memory_plans_come_back_line_by_line) {
    EXPECT_EQ(must(reader_->plans(run_.id)), sample_plans());
    EXPECT_TRUE(must(reader_->plans(99)).empty());
}

// Replica 0 changes in each of 10 windows, replica 4 in windows 0, 3, 6 and 9; a point stands at its window's end.
TEST_F(ReaderTest, replicas_come_as_series_of_changes) {
    const auto series = must(reader_->replicas(run_.id, 1'000));
    ASSERT_EQ(series.size(), 2U);
    EXPECT_EQ(series[0].replica, 0);
    EXPECT_EQ(series[0].pool, 0);
    ASSERT_EQ(series[0].points.size(), 10U);
    EXPECT_EQ(series[0].points[3], (ReplicaPoint{VirtualTime(40 * k_ns_per_s), 13, 5, Bytes(0)}));
    EXPECT_EQ(series[1].replica, 4);
    EXPECT_EQ(series[1].pool, 1);
    ASSERT_EQ(series[1].points.size(), 4U);
    EXPECT_EQ(series[1].points[2], (ReplicaPoint{VirtualTime(70 * k_ns_per_s), 26, 6, Bytes(1'006)}));
    EXPECT_TRUE(must(reader_->replicas(99, 10)).empty());
    EXPECT_EQ(error_of(reader_->replicas(run_.id, 0)), "limit is 0: expected 1 or more");
}

// 100 s in two parts: the last state of each.
TEST_F(ReaderTest, replicas_beyond_the_limit_keep_the_last_of_each_part) {
    const auto series = must(reader_->replicas(run_.id, 2));
    ASSERT_EQ(series[0].points.size(), 2U);
    EXPECT_EQ(series[0].points[0].at, VirtualTime(50 * k_ns_per_s));
    EXPECT_EQ(series[0].points[0].kv_blocks_used, 14);
    EXPECT_EQ(series[0].points[1].kv_blocks_used, 19);
    ASSERT_EQ(series[1].points.size(), 2U);
    EXPECT_EQ(series[1].points[0].at, VirtualTime(40 * k_ns_per_s)) << "of windows 0 and 3 the later";
}

TEST_F(ReaderTest, windows_come_back_as_they_were_added) {
    const auto windows = must(reader_->windows(run_.id, VirtualTime(0), 100));
    ASSERT_EQ(windows.size(), 10U);
    for (std::int64_t i = 0; i < 10; ++i) EXPECT_EQ(windows[static_cast<std::size_t>(i)], sample_window(i)) << i;
}

// 10 windows in at most 4: groups of 3, 3, 3, 1. Sums and histograms add up, states are the last ones.
TEST_F(ReaderTest, windows_beyond_the_limit_are_merged_evenly) {
    const auto windows = must(reader_->windows(run_.id, VirtualTime(0), 4));
    ASSERT_EQ(windows.size(), 4U);
    EXPECT_EQ(windows[1].start, VirtualTime(30 * k_ns_per_s));
    EXPECT_EQ(windows[1].length, Duration(30 * k_ns_per_s));
    EXPECT_EQ(windows[1].arrived, 13 + 14 + 15);
    EXPECT_EQ(windows[1].waiting, 5);
    EXPECT_EQ(windows[1].ttft.count(), 27);
    EXPECT_EQ(windows[1].ttft.min(), 400 * k_ns_per_ms);
    EXPECT_EQ(windows[1].ttft.max(), 600 * k_ns_per_ms);
    EXPECT_EQ(windows[1].pools[0].busy, Duration(3 * k_ns_per_s));
    EXPECT_EQ(windows[1].ledger[2], Duration(6 * k_ns_per_ms));
    EXPECT_EQ(windows[1].blame.causes[2], Duration(3 * 14));
    EXPECT_EQ(windows[1].cached_tokens, Tokens(900));
    ASSERT_EQ(windows[1].replicas.size(), 2U);
    EXPECT_EQ(windows[1].replicas[0].kv_blocks_used, 15) << "of windows 3, 4 and 5 the last";
    EXPECT_EQ(windows[1].replicas[1].kv_blocks_used, 23) << "changed in window 3 only";
    EXPECT_EQ(windows[3].length, Duration(10 * k_ns_per_s));
    EXPECT_EQ(must(reader_->windows(run_.id, VirtualTime(45 * k_ns_per_s), 100)).size(), 5U);
}

TEST_F(ReaderTest, whole_run_merges_every_window) {
    const WindowRecord whole = must(reader_->whole_run(run_.id));
    EXPECT_EQ(whole.finished, 90);
    EXPECT_EQ(whole.ttft.count(), 90);
    EXPECT_EQ(whole.ttft.max(), k_ns_per_s);
    EXPECT_EQ(whole.length, Duration(100 * k_ns_per_s));
    EXPECT_EQ(must(reader_->whole_run(other_.id)).ttft.count(), 0);
}

// Sequences ending in 9 were rejected; of the others TTFT and E2E grow with the sequence.
TEST_F(ReaderTest, requests_come_in_the_order_asked_for) {
    using V = std::vector<std::int64_t>;
    EXPECT_EQ(sequences({RequestOrder::recent, std::nullopt, 3}), (V{99, 98, 97}));
    EXPECT_EQ(sequences({RequestOrder::recent, Outcome::finished, 3}), (V{98, 97, 96}));
    EXPECT_EQ(sequences({RequestOrder::recent, Outcome::rejected, 3}), (V{99, 89, 79}));
    EXPECT_EQ(sequences({RequestOrder::slowest_ttft, std::nullopt, 3}), (V{98, 97, 96}));
    EXPECT_EQ(sequences({RequestOrder::slowest_ttft, Outcome::rejected, 3}), V{});
    EXPECT_EQ(sequences({RequestOrder::slowest_e2e, std::nullopt, 2}), (V{98, 97}));
    EXPECT_EQ(sequences({RequestOrder::slowest_e2e, Outcome::rejected, 2}), (V{9, 19}));
    EXPECT_EQ(sequences({RequestOrder::recent, std::nullopt, 1'000}).size(), 100U);
}

TEST_F(ReaderTest, request_id_finds_the_request_in_every_run) {
    const auto both = must(reader_->requests_by_id("req-45", std::nullopt));
    ASSERT_EQ(both.size(), 2U);
    EXPECT_EQ(both[0].run_id, run_.id);
    EXPECT_EQ(both[0].stream, "azure");
    EXPECT_EQ(both[1].run_id, other_.id);
    EXPECT_EQ(both[1].stream, "mooncake");
    EXPECT_EQ(both[1].scenario, "pd");
    EXPECT_EQ(both[1].record.sequence, 45);
    EXPECT_EQ(must(reader_->requests_by_id("req-45", other_.id)).size(), 1U);
    EXPECT_TRUE(must(reader_->requests_by_id("req-1000", std::nullopt)).empty());
}

TEST_F(ReaderTest, what_is_not_there_is_named) {
    EXPECT_EQ(error_of(reader_->run(77)), "no run 77 in the history");
    EXPECT_EQ(reader_->run(77).error().code, Code::not_found);
    EXPECT_EQ(error_of(reader_->request(run_.id, 100)),
              "no request 100 of run 1 in the history: it has not finished yet, or never arrived");
    EXPECT_EQ(error_of(reader_->runs({.stream = "", .limit = 0})), "limit is 0: expected 1 or more");
    EXPECT_EQ(error_of(reader_->windows(run_.id, VirtualTime(0), 0)), "limit is 0: expected 1 or more");
    EXPECT_EQ(error_of(reader_->requests(run_.id, {RequestOrder::recent, std::nullopt, 0})),
              "limit is 0: expected 1 or more");
    EXPECT_TRUE(must(reader_->plans(77)).empty());
    EXPECT_TRUE(must(reader_->windows(77, VirtualTime(0), 1)).empty());
}

// The view says the same as RequestRecord: no TPOT below two output tokens, nothing of a rejected request.
TEST_F(ReaderTest, request_latency_agrees_with_the_records) {
    const Table table = must(reader_->query(
        "SELECT sequence, ttft_ns, tpot_ns, e2e_ns, queue_ns, stream, scenario FROM request_latency WHERE run_id = 1"));
    ASSERT_EQ(table.rows.size(), 100U);
    const auto cell_of = [](std::optional<Duration> d) { return d ? Cell(d->value) : Cell(); };
    for (const auto& row : table.rows) {
        const RequestRecord want = sample_request(std::get<std::int64_t>(row[0]));
        const bool finished = want.outcome == Outcome::finished;
        EXPECT_EQ(row[1], cell_of(finished ? std::optional(want.ttft()) : std::nullopt));
        EXPECT_EQ(row[2], cell_of(want.tpot()));
        EXPECT_EQ(row[3], Cell(want.e2e().value));
        EXPECT_EQ(row[4], Cell(want.queue().value));
        EXPECT_EQ(row[5], Cell("azure"));
        EXPECT_EQ(row[6], Cell("pd"));
    }
}

TEST_F(ReaderTest, run_summary_sums_windows_also_of_running_runs) {
    const Table table = must(reader_->query(
        "SELECT run_id, finished, rejected, slo_attainment, ttft_p50_ms, tpot_p99_ms, virtual_ns FROM run_summary "
        "ORDER BY run_id"));
    ASSERT_EQ(table.rows.size(), 2U);
    EXPECT_EQ(table.rows[0][1], Cell(std::int64_t{90}));
    EXPECT_EQ(table.rows[0][2], Cell(std::int64_t{10}));
    EXPECT_EQ(table.rows[0][3], Cell(80.0 / 90.0));
    // A quantile is the upper edge of its bucket: at most 1/128 above the value.
    EXPECT_NEAR(std::get<double>(table.rows[0][4]), 500.0, 500.0 / 128);
    EXPECT_NEAR(std::get<double>(table.rows[0][5]), 20.0, 20.0 / 128);
    EXPECT_EQ(table.rows[0][6], Cell(std::int64_t{100 * k_ns_per_s}));
    EXPECT_EQ(table.rows[1][1], Cell(std::int64_t{0}));
    EXPECT_EQ(table.rows[1][3], Cell());
    EXPECT_EQ(table.rows[1][4], Cell());
}

}  // namespace
}  // namespace replayd::storage
