// Debian's Prometheus scrapes the daemon and answers for both runs; promtool finds nothing to remark.

#include <gtest/gtest.h>

#include <map>
#include <memory>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

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
    Prometheus(const TemporaryDirectory& directory, const RunningDaemon& daemon) {
        const std::string config = directory / "prometheus.yml";
        write_file(config, "scrape_configs:\n- job_name: replayd\n  scrape_interval: 1s\n  scrape_timeout: 1s\n"
                           "  static_configs: [{targets: ['127.0.0.1:" +
                               std::to_string(daemon.endpoint().port) + "']}]\n");
        process_ = std::make_unique<Process>(
            std::vector<std::string>{"prometheus", "--config.file=" + config,
                                     "--storage.tsdb.path=" + (directory / "tsdb"),
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

    /// Value by scenario of an instant query; empty while nothing is known.
    [[nodiscard]] std::map<std::string, double> ask(const std::string& query) const {
        std::map<std::string, double> values;
        const auto answer = net::http_request(endpoint_, "POST", "/api/v1/query", "query=" + query,
                                              "application/x-www-form-urlencoded");
        if (!answer || answer->status != 200) return values;
        const json::value parsed = json::parse(answer->body);
        for (const json::value& series : parsed.at("data").at("result").as_array()) {
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
        std::string escaped;
        for (const char c : query) escaped += c == '"' ? std::string("%22") : std::string(1, c);
        std::map<std::string, double> values;
        EXPECT_TRUE(wait_until(query + " has both runs", [&] {
            values = prometheus.ask(escaped);
            return values.size() == two_scenarios().size();
        })) << prometheus.log();
        for (const std::string& scenario : two_scenarios()) {
            EXPECT_GT(values[scenario], 0) << query << " of " << scenario;
            EXPECT_LT(values[scenario], 3600) << query << " of " << scenario;
        }
    }
    const auto finished = prometheus.ask("replayd_requests_finished_total");
    for (const std::string& scenario : two_scenarios()) EXPECT_EQ(finished.at(scenario), 1'000) << scenario;
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
