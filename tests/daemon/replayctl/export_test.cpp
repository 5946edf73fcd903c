// `replayctl export`: what other tools read is what the history holds.

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include <algorithm>
#include <regex>
#include <sstream>
#include <vector>

#include "tests/daemon/replayctl/replayctl_process.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

class Exported : public testing::Test {
protected:
    void SetUp() override {
        const std::string scenario = folder_.holding("small.toml", k_small_scenario);
        const std::string trace = folder_.path("sample.jsonl");
        ASSERT_EQ(run_replayctl({"generate", trace, "--count", "200", "--rate", "10", "--output-max", "80"}).status, 0);
        const Said said = run_replayctl({"replay", trace, "--scenario", scenario, "llama-3.1-8b-h100-pd", "--db", db_});
        ASSERT_EQ(said.status, 0) << said.err;
    }
    std::string output(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "export");
        arguments.insert(arguments.end(), {"--db", db_});
        const Said said = run_replayctl(arguments);
        EXPECT_EQ(said.status, 0) << said.err;
        return said.out;
    }
    std::string query(const std::string& sql) {
        const Said said = run_replayctl({"query", sql, "--db", db_, "--csv"});
        EXPECT_EQ(said.status, 0) << said.err;
        return said.out;
    }

    files::TemporaryFolder folder_;
    std::string db_ = folder_.path("history.db");
};

std::size_t lines(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

// The history is read while rows are written: over itself it would be lost.
TEST_F(Exported, never_writes_over_the_history) {
    const std::string before = query("SELECT count(*) FROM request");
    for (const char* what : {"requests", "windows", "openmetrics"}) {
        const Said said = run_replayctl({"export", what, "--db", db_, "--out", folder_.path("./history.db")});
        EXPECT_EQ(said.status, 2);
        EXPECT_EQ(said.err, "replayctl: " + folder_.path("./history.db") +
                                " is also read, and would be emptied: expected another file for what is written\n");
    }
    EXPECT_EQ(query("SELECT count(*) FROM request"), before);
}

// The rows are those that SQL gives, NULL is an empty field, the columns have the names of storage/README.md.
TEST_F(Exported, requests_are_the_rows_of_the_history_with_their_latencies) {
    const std::string all = output({"requests"});
    EXPECT_EQ(lines(all), 1U + 2 * 200);
    EXPECT_TRUE(all.starts_with(
        "stream,scenario,run_id,sequence,id,conversation,slo_class,model,outcome,reject_reason,prompt_tokens,"))
        << all.substr(0, 200);
    const std::string columns =
        "'sample.jsonl' AS stream, (SELECT name FROM scenario JOIN run ON run.scenario_id = scenario.id WHERE run.id = "
        "2) AS scenario, q.*, l.ttft_ns, l.tpot_ns, l.e2e_ns, l.queue_ns";
    EXPECT_EQ(
        output({"requests", "--run", "2"}),
        query("SELECT " + columns +
              " FROM request q JOIN request_latency l USING (run_id, sequence) WHERE q.run_id = 2 ORDER BY sequence"));
}

TEST_F(Exported, windows_carry_percentiles_in_the_histograms_place) {
    const std::string text = output({"windows", "--run", "1"});
    EXPECT_EQ(text.find("\nx"), std::string::npos);
    EXPECT_EQ(text.substr(0, text.find('\n')).find(",ttft,"), std::string::npos);
    const std::string expected =
        query("SELECT histogram_quantile(queue, 0.99) FROM window WHERE run_id = 1 ORDER BY start_ns");
    std::istringstream rows(text);
    std::string last_fields = "histogram_quantile(queue, 0.99)\n";
    std::string row;
    std::getline(rows, row);
    EXPECT_TRUE(row.ends_with(",queue_p99_ns")) << row;
    while (std::getline(rows, row)) last_fields += row.substr(row.rfind(',') + 1) + "\n";
    EXPECT_EQ(lines(last_fields), lines(expected));
    EXPECT_EQ(last_fields.substr(last_fields.find('\n')), expected.substr(expected.find('\n')));
}

// One family after the other, each with its type; time is the given start plus the end of the window.
TEST_F(Exported, openmetrics_has_a_sample_per_window_at_its_end) {
    const std::string text = output({"openmetrics", "--run", "1", "--start", "1700000000"});
    EXPECT_TRUE(text.ends_with("# EOF\n"));
    const std::string windows = query("SELECT count(*) FROM window WHERE run_id = 1");
    std::size_t samples = 0;
    for (std::size_t at = 0; (at = text.find("\nreplayd_requests_arrived_total{", at)) != std::string::npos; ++at) {
        ++samples;
    }
    EXPECT_EQ("count(*)\n" + std::to_string(samples) + "\n", windows);
    EXPECT_NE(text.find("# TYPE replayd_requests_arrived counter\n"), std::string::npos);
    EXPECT_NE(text.find("replayd_requests_waiting{stream=\"sample.jsonl\",scenario=\"small\",run=\"1\"} "),
              std::string::npos);
    const std::regex last_total("replayd_requests_finished_total\\{[^}]*\\} 200 17000000[0-9]{2}\\.000\n");
    EXPECT_TRUE(std::regex_search(text, last_total));
    EXPECT_NE(text.find("replayd_kv_usage_ratio{stream=\"sample.jsonl\",scenario=\"small\",run=\"1\",pool=\"mixed\"}"),
              std::string::npos);
}

TEST_F(Exported, a_file_is_written_and_told_about) {
    const std::string file = folder_.path("requests.csv.gz");
    const Said said = run_replayctl({"export", "requests", "--db", db_, "--out", file, "--json"});
    ASSERT_EQ(said.status, 0) << said.err;
    EXPECT_EQ(json::serialize(json::parse(said.out)),
              json::serialize(json::object{{"out", file}, {"runs", 2}, {"rows", 400}}));
}

TEST_F(Exported, what_is_not_there_is_said) {
    const Said no_run = run_replayctl({"export", "requests", "--db", db_, "--run", "7"});
    EXPECT_EQ(no_run.status, 2);
    EXPECT_EQ(no_run.err, "replayctl: history " + db_ + " has no run 7; see replayctl runs --db " + db_ + "\n");
    const Said start = run_replayctl({"export", "windows", "--db", db_, "--start", "7"});
    EXPECT_EQ(start.status, 2);
    EXPECT_EQ(start.err,
              "replayctl: --start is given: expected it with openmetrics only, since the times of rows count from 0\n");
}

}  // namespace
}  // namespace replayd::ctl
