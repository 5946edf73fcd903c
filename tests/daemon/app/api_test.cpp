// What the daemon answers when all is well: objects of daemon/api.md, metrics, readiness.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "harness.hpp"

namespace replayd::test {
namespace {

namespace json = boost::json;

/// One finished stream of 300 arrivals on both scenarios.
class ApiTest : public testing::Test {
protected:
    ApiTest() : arrivals_(synthetic_arrivals(300)) {
        IngestClient client(daemon_, true);
        (void)client.hello("t", {"test-mixed", "test-pd"});
        client.send(protocol::ArrivalBatch{1, arrivals_, std::nullopt});
        client.send(protocol::End{2});
        client.wait_ack(2);
        stream_ = daemon_.wait_finished("t");
        run_ = std::to_string(stream_.at("runs").at(0).at("id").as_int64());
    }

    TestDaemon daemon_;
    std::vector<Arrival> arrivals_;
    json::object stream_;
    std::string run_;
};

std::vector<std::string> keys(const json::value& object) {
    std::vector<std::string> names;
    for (const auto& member : object.as_object()) names.emplace_back(member.key());
    return names;
}

// The keys and their order are the contract of api.md.
TEST_F(ApiTest, objects_have_the_documented_keys) {
    EXPECT_EQ(keys(stream_),
              (std::vector<std::string>{"name", "state", "speed", "request_rows", "created_ms", "arrivals",
                                        "watermark_ns", "ended", "credit", "clients", "backlog_arrivals", "trouble",
                                        "shared", "runs"}));
    EXPECT_EQ(keys(stream_.at("runs").at(0)),
              (std::vector<std::string>{"id",          "stream",         "scenario",      "state",      "color",
                                        "created_ms",  "finished_ms",    "hash",          "virtual_ns", "arrived",
                                        "waiting",     "running",        "transferring",  "finished",   "rejected",
                                        "preemptions", "failed_steps", "prompt_tokens",  "output_tokens", "gpu_ns",
                                        "replicas_started", "replicas_stopped", "kv_usage",   "speedup",
                                        "slo",         "slo_attainment", "window_ns",     "ttft",       "tpot",
                                        "e2e",         "pools",          "forked_from",   "forked_at_ns",
                                        "request_rows", "request_rows_left_out"}));
    const json::value window = daemon_.get("/api/v1/runs/" + run_ + "/windows?limit=1").body.at("items").at(0);
    EXPECT_EQ(keys(window), (std::vector<std::string>{"start_ns",
                                                      "length_ns",
                                                      "arrived",
                                                      "finished",
                                                      "rejected",
                                                      "within_slo",
                                                      "ttft",
                                                      "tpot",
                                                      "e2e",
                                                      "queue",
                                                      "prompt_tokens",
                                                      "cached_tokens",
                                                      "output_tokens",
                                                      "waiting",
                                                      "running",
                                                      "transferring",
                                                      "kv_blocks_used",
                                                      "kv_blocks_total",
                                                      "steps",
                                                      "preemptions",
                                                      "batch_tokens_mean",
                                                      "batch_sequences_mean",
                                                      "busy_ratio",
                                                      "ledger_ns",
                                                      "blame_ns",
                                                      "pools"}));
    EXPECT_EQ(window.at("arrived"), 300);  // one window: all of them merged
    EXPECT_EQ(keys(window.at("ttft")),
              (std::vector<std::string>{"count", "p50_ns", "p90_ns", "p95_ns", "p99_ns", "mean_ns", "max_ns"}));
}

// Each replica's KV blocks over time; the last point of a finished run is empty.
TEST_F(ApiTest, replicas_are_shown_as_series) {
    const HttpAnswer answer = daemon_.get("/api/v1/runs/" + run_ + "/replicas");
    ASSERT_EQ(answer.status, 200U);
    const json::array& items = answer.body.at("items").as_array();
    ASSERT_FALSE(items.empty());
    EXPECT_EQ(keys(items[0]), (std::vector<std::string>{"replica", "pool", "at_ns", "kv_blocks_used",
                                                        "kv_blocks_cached", "workspace_bytes"}));
    EXPECT_EQ(items[0].at("replica"), 0);
    EXPECT_EQ(items[0].at("pool").as_string(), "all");
    const json::array& used = items[0].at("kv_blocks_used").as_array();
    ASSERT_EQ(used.size(), items[0].at("at_ns").as_array().size());
    EXPECT_EQ(used.back(), 0);
    EXPECT_EQ(
        daemon_.get("/api/v1/runs/" + run_ + "/replicas?limit=1").body.at("items").at(0).at("at_ns").as_array().size(),
        1U);
    EXPECT_EQ(daemon_.get("/api/v1/runs/" + run_ + "/replicas?limit=0").status, 400U);
}

TEST_F(ApiTest, a_request_has_a_ledger_that_sums_to_its_latency) {
    const HttpAnswer answer = daemon_.get("/api/v1/runs/" + run_ + "/requests/7");
    ASSERT_EQ(answer.status, 200U);
    std::int64_t sum = 0;
    for (const auto& part : answer.body.at("ledger_ns").as_object()) sum += part.value().as_int64();
    EXPECT_EQ(sum, answer.body.at("e2e_ns").as_int64());
    EXPECT_EQ(answer.text("id"), "r7");
    EXPECT_EQ(daemon_.get("/api/v1/requests/r7").body.at("items").as_array().size(), 2U);
    EXPECT_EQ(daemon_.get("/api/v1/requests/r7?run=" + run_).body.at("items").as_array().size(), 1U);
}

TEST_F(ApiTest, lists_of_requests_keep_order_and_limit) {
    const HttpAnswer slowest = daemon_.get("/api/v1/runs/" + run_ + "/requests?order=slowest_e2e&limit=3");
    const json::array& items = slowest.body.at("items").as_array();
    ASSERT_EQ(items.size(), 3U);
    EXPECT_GE(items[0].at("e2e_ns").as_int64(), items[1].at("e2e_ns").as_int64());
    EXPECT_TRUE(daemon_.get("/api/v1/runs/" + run_ + "/requests?outcome=rejected").body.at("items").as_array().empty());
}

TEST_F(ApiTest, runs_and_plans_are_shown_with_their_scenario) {
    const HttpAnswer run = daemon_.get("/api/v1/runs/" + run_);
    EXPECT_EQ(run.text("scenario_toml"), k_mixed_toml);
    EXPECT_EQ(run.body.at("plans").at(0).at("pinned"), true);
    EXPECT_EQ(run.body.at("plans").at(0).at("blocks"), 2000);
    EXPECT_EQ(run.body.at("plans").at(0).at("outside").at(0).at("name").as_string(), "CUDA context");
    EXPECT_EQ(run.body.at("plans").at(0).at("outside").at(0).at("basis").as_string(), "assumption");
    EXPECT_EQ(run.body.at("plans").at(0).at("items").at(0).at("basis").as_string(), "physics");
    EXPECT_TRUE(run.body.at("plans").at(0).at("margin_bytes").is_int64());
    const HttpAnswer plan = daemon_.get("/api/v1/scenarios/test-pd/plan");
    EXPECT_EQ(plan.body.at("pools").as_array().size(), 2U);
    EXPECT_EQ(plan.body.at("pools").at(1).at("role"), "decode");
    const HttpAnswer scenario = daemon_.get("/api/v1/scenarios/test-pd");
    EXPECT_EQ(scenario.body.at("disaggregated"), true);
    EXPECT_EQ(scenario.body.at("built_in"), false);
    EXPECT_EQ(scenario.text("toml"), k_pd_toml);
}

// The loads are over their mean, so they sum to the number of ranks; chance only adds to the busiest, less in larger
// steps.
TEST_F(ApiTest, expert_balance_is_shown_for_pools_that_spread_their_experts) {
    const HttpAnswer answer = daemon_.get("/api/v1/scenarios/deepseek-v3-h800-pd/experts");
    ASSERT_EQ(answer.status, 200U);
    ASSERT_EQ(answer.body.at("pools").as_array().size(), 2U);
    const json::object& pool = answer.body.at("pools").at(1).as_object();
    double sum = 0;
    for (const json::value& load : pool.at("rank_loads").as_array()) sum += load.as_double();
    EXPECT_NEAR(sum, static_cast<double>(pool.at("ranks").as_int64()), 1e-9);
    EXPECT_NEAR(pool.at("rank_loads").at(0).as_double(), pool.at("imbalance").as_double(), 1e-9);
    const json::array& busiest = pool.at("busiest_over_mean").as_array();
    ASSERT_EQ(busiest.size(), pool.at("tokens_per_rank").as_array().size());
    EXPECT_GT(busiest.front().as_double(), busiest.back().as_double());
    EXPECT_GE(busiest.back().as_double(), pool.at("imbalance").as_double());
    EXPECT_TRUE(daemon_.get("/api/v1/scenarios/test-pd/experts").body.at("pools").as_array().empty());
    EXPECT_EQ(daemon_.get("/api/v1/scenarios/nowhere/experts").status, 404U);
}

// Posting the same text again is no error: scripts may do so.
TEST_F(ApiTest, the_same_scenario_may_be_posted_again) {
    EXPECT_EQ(daemon_.post("/api/v1/scenarios", k_pd_toml, "application/toml").status, 201U);
}

TEST_F(ApiTest, version_names_the_protocol) {
    const HttpAnswer version = daemon_.get("/version");
    EXPECT_EQ(version.text("protocol"), "replayd.v1");
    EXPECT_EQ(version.text("version"), REPLAYD_VERSION);
    EXPECT_EQ(version.body.at("schema_version"), 8);
}

// Gauges and counters of both runs agree with the history.
TEST_F(ApiTest, metrics_agree_with_the_history) {
    const std::string text = daemon_.get_text("/metrics");
    const std::string mixed = "{stream=\"t\",scenario=\"test-mixed\",run=\"" + run_ + "\"}";
    EXPECT_NE(text.find("replayd_requests_finished_total" + mixed + " 300\n"), std::string::npos);
    EXPECT_NE(text.find("replayd_ttft_distribution_seconds_count" + mixed + " 300\n"), std::string::npos);
    EXPECT_NE(text.find("replayd_ttft_seconds{stream=\"t\",scenario=\"test-pd\",run=\"2\",quantile=\"0.99\"} "),
              std::string::npos);
    EXPECT_NE(text.find("replayd_storage_rows_total{table=\"request\"} 600\n"), std::string::npos);
    EXPECT_NE(text.find("replayd_stream_arrivals_total{stream=\"t\"} 300\n"), std::string::npos);
    EXPECT_NE(text.find("state=\"finished\",model=\"Llama-3.1-8B\",gpu=\"H100-SXM\"} 1\n"), std::string::npos);
}

// No pool of these runs is an AFD pool; a run that nobody knows is not found.
TEST_F(ApiTest, afd_steps_are_listed_for_known_runs_only) {
    EXPECT_EQ(daemon_.get("/api/v1/runs/" + run_ + "/afd").body.at("items").as_array().size(), 0U);
    EXPECT_EQ(daemon_.get("/api/v1/runs/999/afd").status, 404U);
}

// The same runs under vLLM's names; one scenario alone where the scrape asks for it.
TEST_F(ApiTest, vllm_metrics_agree_with_the_history_and_can_be_narrowed) {
    const std::string text = daemon_.get_text("/metrics/vllm");
    const auto labels = [this](const char* scenario, const std::string& run) {
        return "{model_name=\"Llama-3.1-8B\",engine=\"" + run + "\",stream=\"t\",scenario=\"" + scenario + "\"";
    };
    const std::string mixed = labels("test-mixed", run_);
    const std::string pd = labels("test-pd", "2");
    EXPECT_NE(text.find("vllm:time_to_first_token_seconds_count" + mixed + "} 300\n"), std::string::npos) << text;
    EXPECT_NE(text.find("vllm:e2e_request_latency_seconds_bucket" + pd + ",le=\"+Inf\"} 300\n"), std::string::npos);
    EXPECT_NE(text.find("vllm:request_success_total" + mixed + ",finished_reason=\"length\"} 300\n"),
              std::string::npos);
    const std::string narrowed = daemon_.get_text("/metrics/vllm?scenario=test-pd");
    EXPECT_EQ(narrowed.find(mixed), std::string::npos);
    EXPECT_NE(narrowed.find("vllm:request_generation_tokens_count" + pd + "} 300\n"), std::string::npos);
    const HttpAnswer unknown = daemon_.get("/metrics/vllm?scenrio=test-pd");
    EXPECT_EQ(unknown.status, 400U);
    EXPECT_EQ(unknown.text("detail"), "parameter \"scenrio\" is unknown: expected \"stream\" or \"scenario\"");
}

// The linter of Prometheus itself, where it is installed.
TEST_F(ApiTest, promtool_finds_nothing_to_mend) {
    if (std::system("command -v promtool > /dev/null 2>&1") != 0) GTEST_SKIP() << "promtool is not installed";
    const std::string file = daemon_.folder() + "/metrics.txt";
    std::ofstream(file) << daemon_.get_text("/metrics");
    EXPECT_EQ(std::system(("promtool check metrics < " + file).c_str()), 0);
}

// A stream of the configuration exists from the start; a restart leaves it as the history knows it.
TEST(Configured, streams_of_the_configuration_are_created_once) {
    TestDaemon daemon([](config::DaemonConfig& config) {
        config.streams = {{"auto", {"llama-3.1-8b-h100-mixed"}, 3, {}}};
    });
    EXPECT_EQ(daemon.get("/api/v1/streams/auto").body.at("speed").to_number<double>(), 3.0);
    daemon.restart();
    EXPECT_EQ(daemon.get("/api/v1/streams").body.at("items").as_array().size(), 1U);
    EXPECT_EQ(daemon.get("/api/v1/runs").body.at("items").as_array().size(), 1U);
}

// Whoever started the daemon on port 0 finds the port in the file, whole.
TEST(Configured, the_port_file_holds_the_bound_port) {
    const TestDaemon daemon([](config::DaemonConfig& config) { config.port_file = config.history_path + ".port"; });
    std::ifstream file(daemon.config().port_file);
    int port = 0;
    file >> port;
    EXPECT_EQ(port, daemon.endpoint().port);
}

}  // namespace
}  // namespace replayd::test
