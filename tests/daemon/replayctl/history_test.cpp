// `replayctl replay --db`, and `runs`, `explain` and `query` on what it wrote.

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "storage/connection.hpp"
#include "tests/daemon/replayctl/replayctl_process.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

class Recorded : public testing::Test {
protected:
    void SetUp() override {
        const std::string scenario = folder_.holding("small.toml", k_small_scenario);
        ASSERT_EQ(run_replayctl({"generate", trace_, "--count", "200", "--rate", "10", "--output-max", "80"}).status,
                  0);
        const Said said = run_replayctl({"replay", trace_, "--scenario", scenario, "llama-3.1-8b-h100-pd", "--db", db_,
                                         "--json"});
        ASSERT_EQ(said.status, 0) << said.err;
        replayed_ = json::parse(said.out).as_object();
    }
    std::string csv(const std::string& sql) {
        const Said said = run_replayctl({"query", sql, "--db", db_, "--csv"});
        EXPECT_EQ(said.status, 0) << said.err;
        return said.out.substr(said.out.find('\n') + 1);
    }

    files::TemporaryFolder folder_;
    std::string trace_ = folder_.path("sample.jsonl");
    std::string db_ = folder_.path("history.db");
    json::object replayed_;
};

// Every arrival has one row per run, and no ledger is off by a nanosecond.
TEST_F(Recorded, holds_one_row_per_arrival_and_run_with_a_ledger_that_sums) {
    EXPECT_EQ(csv("SELECT run_id, count(*) AS n FROM request GROUP BY run_id"), "1,200\n2,200\n");
    EXPECT_EQ(csv("SELECT count(*) FROM request WHERE gateway_queue_ns + routing_ns + prefill_queue_ns + "
                  "prefill_compute_ns + chunk_wait_ns + transfer_wait_ns + transfer_ns + decode_queue_ns + "
                  "decode_compute_ns + batch_interference_ns + preemption_stall_ns + recompute_ns <> "
                  "finished_ns - arrived_ns"),
              "0\n");
}

// Like a daemon's history: the stream has ended, its log is there, its runs carry the hashes that were printed.
TEST_F(Recorded, looks_like_a_daemon_s_history) {
    EXPECT_EQ(csv("SELECT name, ended FROM stream"), "sample.jsonl,1\n");
    EXPECT_EQ(csv("SELECT sum(arrivals) FROM arrival_batch"), "200\n");
    const json::array& runs = replayed_.at("runs").as_array();
    const auto hash = [&](std::size_t i) { return std::string(runs.at(i).at("hash").as_string()); };
    EXPECT_EQ(csv("SELECT state, hash FROM run ORDER BY id"), "finished," + hash(0) + "\nfinished," + hash(1) + "\n");
}

// A second replay of the same file gets a name of its own; a name that is asked for must be free.
TEST_F(Recorded, gives_streams_names_of_their_own) {
    const std::string small = folder_.path("small.toml");
    const Said second = run_replayctl({"replay", trace_, "--scenario", small, "--db", db_, "--json"});
    ASSERT_EQ(second.status, 0) << second.err;
    EXPECT_EQ(json::parse(second.out).at("db").at("stream").as_string(), "sample.jsonl-2");
    const Said taken = run_replayctl({"replay", trace_, "--scenario", small, "--db", db_, "--stream", "sample.jsonl"});
    EXPECT_EQ(taken.status, 1);
    EXPECT_NE(taken.err.find("sample.jsonl"), std::string::npos);
}

TEST_F(Recorded, lists_runs_newest_first) {
    const Said said = run_replayctl({"runs", "--json"}, "REPLAYD_DB=" + db_);
    ASSERT_EQ(said.status, 0) << said.err;
    const json::array items = json::parse(said.out).at("items").as_array();
    ASSERT_EQ(items.size(), 2u);
    EXPECT_EQ(items[0].at("id").to_number<int>(), 2);
    EXPECT_EQ(items[0].at("ttft"), replayed_.at("runs").as_array().at(1).at("ttft"));
    const Said table = run_replayctl({"runs", "--db", db_});
    EXPECT_NE(table.out.find("sample.jsonl  llama-3.1-8b-h100-pd  finished"), std::string::npos) << table.out;
}

// The parts in words, and the sum to the nanosecond.
TEST_F(Recorded, explains_a_request_in_each_run_that_has_it) {
    const Said said = run_replayctl({"explain", "5", "--db", db_});
    ASSERT_EQ(said.status, 0) << said.err;
    EXPECT_EQ(said.out.substr(0, 42), "request 5 in run 1, small: finished\n  arri") << said.out;
    EXPECT_NE(said.out.find("request 5 in run 2, llama-3.1-8b-h100-pd: finished"), std::string::npos) << said.out;
    EXPECT_NE(said.out.find("computing the prompt: what its own tokens alone would cost"), std::string::npos);
    EXPECT_NE(said.out.find("moving the KV cache to the decode replica"), std::string::npos);
    EXPECT_NE(said.out.find("sum of parts = E2E: "), std::string::npos);
    EXPECT_EQ(said.out.find("≠"), std::string::npos);
    const Said one = run_replayctl({"explain", "5", "--run", "2", "--db", db_, "--json"});
    ASSERT_EQ(one.status, 0) << one.err;
    EXPECT_EQ(json::parse(one.out).at("items").as_array().size(), 1u);
}

TEST_F(Recorded, says_which_request_it_does_not_have) {
    const Said said = run_replayctl({"explain", "nobody", "--db", db_});
    EXPECT_EQ(said.status, 2);
    EXPECT_EQ(said.err,
              "replayctl: no run has a request \"nobody\"; `replayctl query \"SELECT run_id, request_id FROM "
              "request_latency LIMIT 10\"` shows some\n");
    EXPECT_EQ(run_replayctl({"explain", "5", "--run", "9", "--db", db_}).status, 2);
}

// Numbers to the right, NULL as a dash, reals with three decimals.
TEST_F(Recorded, prints_query_results_aligned) {
    const Said said = run_replayctl({"query", "SELECT 'a' AS name, 1 AS n, 1.5 AS x, NULL AS absent UNION ALL "
                                              "SELECT 'long', 1000, 20.25, NULL", "--db", db_});
    ASSERT_EQ(said.status, 0) << said.err;
    EXPECT_EQ(said.out,
              "name     n       x  absent\n"
              "──────────────────────────\n"
              "a        1   1.500       –\n"
              "long  1000  20.250       –\n");
}

TEST_F(Recorded, prints_query_results_as_csv_and_json) {
    EXPECT_EQ(run_replayctl({"query", "SELECT 'a,\"b\"' AS t, 0.1 AS x, NULL AS y", "--db", db_, "--csv"}).out,
              "t,x,y\n\"a,\"\"b\"\"\",0.1,\n");
    const Said said = run_replayctl({"query", "SELECT 1 AS n", "--db", db_, "--json"});
    EXPECT_EQ(json::parse(said.out).at("rows"), json::parse("[[1]]"));
}

TEST_F(Recorded, refuses_sql_that_writes) {
    const Said said = run_replayctl({"query", "DELETE FROM request", "--db", db_});
    EXPECT_EQ(said.status, 2);
    EXPECT_EQ(said.err, "replayctl: only SELECT is answered here: DELETE from request is refused\n");
}

TEST_F(Recorded, names_the_nearest_column) {
    const Said said = run_replayctl({"query", "SELECT ttft_n FROM request_latency", "--db", db_});
    EXPECT_EQ(said.status, 2);
    EXPECT_NE(said.err.find("no such column: ttft_n; did you mean ttft_ns?"), std::string::npos) << said.err;
}

/// What is done to the history, what is asked then, and what is said.
struct Unanswerable {
    const char* done;
    std::vector<std::string> asked;
    const char* said;
};

// Each leaves nothing to compute from, or something else than what ran.
TEST_F(Recorded, says_why_a_moment_cannot_be_computed) {
    ASSERT_EQ(run_replayctl({"replay", trace_, "--scenario", folder_.path("small.toml"), "--db", db_}).status, 0);
    const std::vector<Unanswerable> cases = {
        {"", {"at", "9"}, "no run 9 in the history"},
        {"", {"at", "1", "2h"}, "TIME is 7200000000000 ns: expected at most "},
        {"",
         {"bisect", "1", "3"},
         "run 1 is of stream sample.jsonl, run 3 of sample.jsonl-2: expected runs of one stream"},
        {"UPDATE run SET engine_version = '0.0.1' WHERE id = 3",
         {"at", "3", "1s"},
         "run 3 was computed by replayd 0.0.1, and this is replayctl "},
        {"DELETE FROM pool WHERE run_id = 3",
         {"at", "3", "1s"},
         "run 3 is being taken out of the history, with its stream sample.jsonl-2: expected a run that stays"},
        {"UPDATE scenario SET toml = 'name = 7' WHERE name = 'llama-3.1-8b-h100-pd'",
         {"bisect", "1", "2"},
         "scenario of run 2"},
        {"UPDATE arrival_batch SET arrivals_total = 150 WHERE stream_id = 1",
         {"at", "1", "1s"},
         "the log of stream sample.jsonl has 150 arrivals and run 1 saw 200: expected a history with the whole log; "
         "`replayctl check` says what else it lacks"},
        {"UPDATE arrival_batch SET arrivals_total = 200, seq = 2 WHERE stream_id = 1",
         {"at", "1", "1s"},
         "the log of stream \"sample.jsonl\" has no batch 1: expected batches 1 to 2"},
        {"DELETE FROM arrival_batch WHERE stream_id = 1",
         {"at", "1", "1s"},
         "the log of stream sample.jsonl has 0 arrivals"},
    };
    for (const Unanswerable& each : cases) {
        auto file = storage::Connection::open(db_, storage::Access::read_write).value();
        ASSERT_TRUE(file.execute(each.done)) << each.done;
        std::vector<std::string> arguments = each.asked;
        arguments.insert(arguments.end(), {"--db", db_});
        const Said said = run_replayctl(arguments);
        EXPECT_NE(said.status, 0) << each.done;
        EXPECT_EQ(said.err.substr(0, 11 + std::string_view(each.said).size()), "replayctl: " + std::string(each.said))
            << each.done;
    }
}

TEST_F(Recorded, takes_a_catalog_for_files_only) {
    const std::string catalog = folder_.holding("catalog.toml", "");
    EXPECT_EQ(run_replayctl({"at", "1", "1s", "--db", db_, "--catalog", catalog}).status, 0);
    const Said said = run_replayctl({"at", "1", "1s", "--catalog", catalog});
    EXPECT_EQ(said.status, 2);
    EXPECT_EQ(said.err,
              "replayctl: --catalog is given without --db: a daemon has its own ([catalog] of its configuration)\n");
}

}  // namespace
}  // namespace replayd::ctl
