// Debian's Prometheus scrapes the daemon and answers for both runs; promtool finds nothing to remark.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <regex>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "tests/free_port.hpp"
#include "tests/source_paths.hpp"
#include "tests/system/running_daemon.hpp"

namespace replayd::testing {
namespace {

namespace json = boost::json;

bool installed(const TemporaryDirectory& directory, const std::string& name) {
    return run_program(directory, {name, "--version"}).status == 0;
}

/// Streams a generated trace with two scenarios and waits for the end of its runs.
void replay_something(const TemporaryDirectory& directory, const RunningDaemon& daemon) {
    const std::string trace = directory / "trace.jsonl";
    generate_trace(directory, trace, 1'000);
    std::vector<std::string> arguments = {"stream", trace, "--stream", "scraped", "--daemon", daemon.url(), "--wait"};
    for (const std::string& scenario : two_scenarios()) arguments.insert(arguments.end(), {"--scenario", scenario});
    replayctl(directory, arguments);
}

/// A Prometheus that scrapes one daemon every second.
class Prometheus {
public:
    Prometheus(const TemporaryDirectory& directory, const RunningDaemon& daemon,
               const std::vector<std::string>& paths = {"/metrics"}) {
        const std::string config = directory / "prometheus.yml";
        std::string text = "global: {evaluation_interval: 1s}\nrule_files: ['" REPLAYD_SOURCE_DIR
                           "/dashboard/grafana/rules.yml']\nscrape_configs:\n";
        for (const std::string& path : paths) {
            text += "- job_name: '" + path + "'\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  metrics_path: " + path +
                    "\n  static_configs: [{targets: ['127.0.0.1:" + std::to_string(daemon.endpoint().port) + "']}]\n";
        }
        write_file(config, text);
        process_ = std::make_unique<Process>(
            std::vector<std::string>{"prometheus", "--config.file=" + config,
                                     "--storage.tsdb.path=" + (directory / "tsdb"),
                                     "--storage.tsdb.retention.time=100y",
                                     "--web.listen-address=127.0.0.1:" + std::to_string(endpoint_.port)},
            directory / "prometheus");
    }

    [[nodiscard]] bool wait_until_ready() {
        return wait_until("Prometheus is ready", [this] {
            const auto answer = net::http_request(endpoint_, "GET", "/-/ready");
            return (answer && answer->status == 200) || !process_->running();
        }) && process_->running();
    }
    [[nodiscard]] std::string log() const { return process_->errors(); }

    /// The series of an instant query; none while nothing is known.
    [[nodiscard]] json::array series(const std::string& query) const {
        std::string escaped;
        for (const char c : query) escaped += c == '"' ? std::string("%22") : std::string(1, c);
        const auto answer = net::http_request(endpoint_, "POST", "/api/v1/query", "query=" + escaped,
                                              "application/x-www-form-urlencoded");
        if (!answer || answer->status != 200) return {};
        return json::parse(answer->body).at("data").at("result").as_array();
    }

    /// Name and health of every rule that was evaluated at least once.
    [[nodiscard]] std::map<std::string, std::string> rules() const {
        std::map<std::string, std::string> health;
        const auto answer = net::http_request(endpoint_, "GET", "/api/v1/rules");
        if (!answer || answer->status != 200) return health;
        const json::value parsed = json::parse(answer->body);
        for (const json::value& group : parsed.at("data").at("groups").as_array()) {
            for (const json::value& rule : group.at("rules").as_array()) {
                const std::string state = rule.at("health").as_string().c_str();
                const json::value* error = rule.as_object().if_contains("lastError");
                if (state == "unknown") continue;
                health[rule.at("name").as_string().c_str()] = error == nullptr ? state : error->as_string().c_str();
            }
        }
        return health;
    }

    /// Value by scenario of an instant query; empty while nothing is known.
    [[nodiscard]] std::map<std::string, double> ask(const std::string& query) const {
        std::map<std::string, double> values;
        for (const json::value& series : series(query)) {
            const json::object& labels = series.at("metric").as_object();
            if (!labels.contains("scenario")) continue;
            values[labels.at("scenario").as_string().c_str()] = std::stod(series.at("value").at(1).as_string().c_str());
        }
        return values;
    }

private:
    net::Endpoint endpoint_{"127.0.0.1", free_port()};
    std::unique_ptr<Process> process_;
};

// What a person types into Grafana: gauges by quantile, and quantiles of the histogram, for both clusters.
TEST(Prometheus, answers_latency_queries_for_both_runs) {
    const TemporaryDirectory directory;
    if (!installed(directory, "prometheus")) GTEST_SKIP() << "prometheus is not installed: ./dev setup installs it";
    RunningDaemon daemon(directory);
    replay_something(directory, daemon);
    Prometheus prometheus(directory, daemon);
    ASSERT_TRUE(prometheus.wait_until_ready()) << prometheus.log();
    for (const std::string query : {"replayd_ttft_seconds{quantile=\"0.99\"}", "replayd_tpot_seconds{quantile=\"0.5\"}",
                                    "histogram_quantile(0.99, replayd_ttft_distribution_seconds_bucket)",
                                    "histogram_quantile(0.5, replayd_tpot_distribution_seconds_bucket)"}) {
        std::map<std::string, double> values;
        EXPECT_TRUE(wait_until(query + " has both runs", [&] {
            values = prometheus.ask(query);
            return values.size() == two_scenarios().size();
        })) << prometheus.log();
        for (const std::string& scenario : two_scenarios()) {
            EXPECT_GT(values[scenario], 0) << query << " of " << scenario;
            EXPECT_LT(values[scenario], 3600) << query << " of " << scenario;
        }
    }
    // A scrape that came too late makes series vanish until the next one.
    std::map<std::string, double> wanted;
    for (const std::string& scenario : two_scenarios()) wanted[scenario] = 1'000;
    EXPECT_TRUE(wait_until("every request is counted",
                           [&] { return prometheus.ask("replayd_requests_finished_total") == wanted; }));
}

/// What the twelve panels of vLLM's Grafana dashboard ask (vllm-project/vllm 4b5c627,
/// examples/observability/prometheus_grafana/grafana.json), with the model and the interval filled in.
std::map<std::string, std::vector<std::string>> panels_of_vllm() {
    const std::string of = "{model_name=\"Llama-3.1-8B\"}";
    const auto latency = [&of](const std::string& name) {
        std::vector<std::string> expressions;
        for (const char* quantile : {"0.99", "0.95", "0.9", "0.5"}) {
            expressions.push_back("histogram_quantile(" + std::string(quantile) + ", sum by(le) (rate(vllm:" + name +
                                  "_bucket" + of + "[1m])))");
        }
        expressions.push_back("rate(vllm:" + name + "_sum" + of + "[1m]) / rate(vllm:" + name + "_count" + of +
                              "[1m])");
        return expressions;
    };
    const auto rate = [&of](const std::string& name) { return "rate(vllm:" + name + of + "[1m])"; };
    const auto heat = [&of](const std::string& name) {
        return "sum by(le) (increase(vllm:" + name + "_bucket" + of + "[1m]))";
    };
    return {{"E2E Request Latency", latency("e2e_request_latency_seconds")},
            {"Token Throughput", {rate("prompt_tokens_total"), rate("generation_tokens_total")}},
            {"Inter Token Latency", latency("inter_token_latency_seconds")},
            {"Scheduler State", {"vllm:num_requests_running" + of, "vllm:num_requests_waiting" + of}},
            {"Time To First Token Latency", latency("time_to_first_token_seconds")},
            {"Cache Utilization", {"vllm:kv_cache_usage_perc" + of}},
            {"Request Prompt Length", {heat("request_prompt_tokens")}},
            {"Request Generation Length", {heat("request_generation_tokens")}},
            {"Finish Reason", {"sum by(finished_reason) (increase(vllm:request_success_total" + of + "[1m]))"}},
            {"Queue Time", {rate("request_queue_time_seconds_sum")}},
            {"Requests Prefill and Decode Time",
             {rate("request_prefill_time_seconds_sum"), rate("request_decode_time_seconds_sum")}},
            {"Max Generation Token in Sequence Group", {rate("request_max_num_generation_tokens_sum")}}};
}

// A dashboard that people have for vLLM shows what replayd predicts.
TEST(Prometheus, every_panel_of_vllms_dashboard_finds_series) {
    const TemporaryDirectory directory;
    if (!installed(directory, "prometheus")) GTEST_SKIP() << "prometheus is not installed: ./dev setup installs it";
    RunningDaemon daemon(directory);
    replay_something(directory, daemon);
    Prometheus prometheus(directory, daemon, {"/metrics/vllm"});
    ASSERT_TRUE(prometheus.wait_until_ready()) << prometheus.log();
    const auto panels = panels_of_vllm();
    EXPECT_EQ(panels.size(), 12U);
    for (const auto& [panel, expressions] : panels) {
        for (const std::string& expression : expressions) {
            EXPECT_TRUE(wait_until(panel + " finds series", [&] { return !prometheus.series(expression).empty(); }))
                << expression << prometheus.log();
        }
    }
    EXPECT_TRUE(wait_until("both runs have a finish reason", [&] {
        return prometheus.ask("vllm:request_success_total{finished_reason=\"length\"}").size() ==
               two_scenarios().size();
    }));
}

/// An expression of a dashboard as Grafana would send it with every variable at "All".
std::string filled_in(std::string expression) {
    for (const auto& [variable, value] :
         {std::pair{"$stream", ".*"}, {"$scenario", ".*"}, {"$__rate_interval", "1m"}}) {
        for (std::size_t at = 0; (at = expression.find(variable)) != std::string::npos;) {
            expression.replace(at, std::string(variable).size(), value);
        }
    }
    return expression;
}

// Every expression of our own dashboard finds series once something was replayed.
TEST(Prometheus, every_expression_of_our_dashboard_finds_series) {
    const TemporaryDirectory directory;
    if (!installed(directory, "prometheus")) GTEST_SKIP() << "prometheus is not installed: ./dev setup installs it";
    RunningDaemon daemon(directory);
    replay_something(directory, daemon);
    Prometheus prometheus(directory, daemon);
    ASSERT_TRUE(prometheus.wait_until_ready()) << prometheus.log();
    const json::value dashboard = json::parse(read_file(REPLAYD_SOURCE_DIR "/dashboard/grafana/replayd.json"));
    int expressions = 0;
    for (const json::value& panel : dashboard.at("panels").as_array()) {
        for (const json::value& target : panel.at("targets").as_array()) {
            const std::string expression = filled_in(target.at("expr").as_string().c_str());
            EXPECT_TRUE(wait_until(expression + " finds series", [&] {
                return !prometheus.series(expression).empty();
            })) << prometheus.log();
            ++expressions;
        }
    }
    EXPECT_GE(expressions, 12);
}

// Recording rules and alerts: promtool parses them; their expressions are made of series that replayd exports.
TEST(Prometheus, promtool_accepts_the_rules) {
    const TemporaryDirectory directory;
    if (!installed(directory, "promtool")) GTEST_SKIP() << "promtool is not installed: ./dev setup installs it";
    EXPECT_EQ(run_program(directory, {"promtool", "check", "rules", REPLAYD_SOURCE_DIR "/dashboard/grafana/rules.yml"})
                  .status,
              0);
    const TemporaryDirectory data;
    RunningDaemon daemon(data);
    replay_something(data, daemon);
    const std::string exported = daemon.ask("GET", "/metrics").body;
    const std::string rules = read_file(REPLAYD_SOURCE_DIR "/dashboard/grafana/rules.yml");
    const std::regex series("replayd_[a-z0-9_]+");
    for (std::sregex_iterator at(rules.begin(), rules.end(), series), end; at != end; ++at) {
        const std::string name = at->str();
        if (name.ends_with("_over_objective")) continue;  // recorded by the rules themselves
        EXPECT_NE(exported.find("\n" + name + "{"), std::string::npos) << name;
    }
}

// What runs beside production: a replay at its pace, both paths scraped, the rules evaluated. Rates are above zero only
// while the counters move, so this sees that they do.
TEST(Prometheus, while_a_replay_goes_on_rates_are_above_zero_and_every_rule_has_answers) {
    const TemporaryDirectory directory;
    if (!installed(directory, "prometheus")) GTEST_SKIP() << "prometheus is not installed: ./dev setup installs it";
    RunningDaemon daemon(directory);
    const std::string trace = directory / "trace.jsonl";
    generate_trace(directory, trace, 20'000);
    std::vector<std::string> arguments = {
        program("replayctl"), "stream", trace, "--stream", "followed", "--speed", "5", "--daemon", daemon.url()};
    for (const std::string& scenario : two_scenarios()) arguments.insert(arguments.end(), {"--scenario", scenario});
    Prometheus prometheus(directory, daemon, {"/metrics", "/metrics/vllm"});
    ASSERT_TRUE(prometheus.wait_until_ready()) << prometheus.log();
    // 1,000 s of virtual time at this speed outlast every wait below.
    Process client(arguments, directory / "client");
    for (const std::string expression :
         {"rate(vllm:generation_tokens_total[1m]) > 0",
          "sum by(scenario) (rate(vllm:e2e_request_latency_seconds_count[1m])) > 0",
          "histogram_quantile(0.99, sum by(le, scenario) (rate(vllm:time_to_first_token_seconds_bucket[1m]))) > 0",
          "scenario:replayd_ttft_p99_over_objective:ratio > 0", "scenario:replayd_tpot_p99_over_objective:ratio > 0"}) {
        EXPECT_TRUE(wait_until(expression, [&] { return prometheus.ask(expression).size() == two_scenarios().size(); }))
            << expression << prometheus.log() << client.errors();
    }
    const std::string rules = read_file(REPLAYD_SOURCE_DIR "/dashboard/grafana/rules.yml");
    std::map<std::string, std::string> expected;
    const std::regex rule("- (?:record|alert): (\\S+)");
    for (std::sregex_iterator at(rules.begin(), rules.end(), rule), end; at != end; ++at) expected[(*at)[1]] = "ok";
    ASSERT_FALSE(expected.empty());
    std::map<std::string, std::string> rules_told;
    EXPECT_TRUE(wait_until("every rule is evaluated", [&] {
        rules_told = prometheus.rules();
        return rules_told.size() == expected.size();
    }));
    EXPECT_EQ(rules_told, expected);
}

// What was simulated goes into a Prometheus's own files, at a time of the past, and answers there as if it had been
// scraped.
TEST(Prometheus, blocks_made_of_exported_windows_answer_queries) {
    const TemporaryDirectory directory;
    if (!installed(directory, "promtool")) GTEST_SKIP() << "promtool is not installed: ./dev setup installs it";
    RunningDaemon daemon(directory);
    replay_something(directory, daemon);
    const std::string file = directory / "windows.om";
    const std::string start = "1700000000";
    ASSERT_EQ(run_program(directory, {program("replayctl"), "export", "openmetrics", "--db", daemon.db(), "--start",
                                      start, "--out", file})
                  .status,
              0);
    const Outcome made =
        run_program(directory, {"promtool", "tsdb", "create-blocks-from", "openmetrics", file, directory / "tsdb"});
    ASSERT_EQ(made.status, 0) << made.errors << made.output;
    Prometheus prometheus(directory, daemon);
    ASSERT_TRUE(prometheus.wait_until_ready()) << prometheus.log();
    const json::array totals =
        query(directory, daemon.db(),
              "SELECT max(start_ns + length_ns) / 1000000000, sum(finished) FROM window WHERE run_id = 1");
    const std::string end = std::to_string(1'700'000'000 + totals.at(0).at(0).as_int64());
    const auto value = [&](const std::string& expression) {
        const json::array found = prometheus.series(expression);
        return found.empty() ? std::string("nothing") : std::string(found.front().at("value").at(1).as_string());
    };
    EXPECT_EQ(value("replayd_requests_finished_total{run=\"1\"} @ " + end),
              std::to_string(totals.at(0).at(1).as_int64()));
    EXPECT_NE(value("max_over_time(replayd_ttft_seconds{run=\"1\",quantile=\"0.99\"}[1h] @ " + end + ")"), "nothing");
}

// The lint of the exposition: names, units, help, types.
TEST(Prometheus, promtool_has_no_remark_on_the_metrics) {
    const TemporaryDirectory directory;
    if (!installed(directory, "promtool")) GTEST_SKIP() << "promtool is not installed: ./dev setup installs it";
    RunningDaemon daemon(directory);
    replay_something(directory, daemon);
    Process promtool({"promtool", "check", "metrics"}, directory / "promtool", true);
    const net::HttpResponse metrics = daemon.ask("GET", "/metrics");
    EXPECT_NE(metrics.body.find("replayd_ttft_seconds{"), std::string::npos) << metrics.body;
    promtool.write(metrics.body);
    promtool.close_input();
    EXPECT_EQ(promtool.wait(), 0);
    EXPECT_EQ(promtool.output() + promtool.errors(), "");
}

}  // namespace
}  // namespace replayd::testing
