// Real vLLM runs streamed with the times that the server measured: what SQL and the API say of observed against
// predicted is what this test computes for itself, and a wrong scenario is told from the right one.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

#include "daemon/replayctl/vllm_run.hpp"
#include "harness.hpp"
#include "replay/sim/run.hpp"
#include "tests/source_paths.hpp"

namespace replayd::test {
namespace {

namespace json = boost::json;

constexpr const char* k_runs = REPLAYD_SOURCE_DIR "/../shared/data/vllm_runs";
constexpr const char* k_drift = "[drift]\nwindow_s = 30\nrequests_min = 20\nbias = 0.25\nwindows = 2\n";

/// TTFT and E2E in nanoseconds by request id.
struct Times {
    std::map<std::string, double> ttft;
    std::map<std::string, double> e2e;
};

/// As the server's own file has them.
Times observed_times(const std::string& run) {
    std::ifstream file(std::string(k_runs) + "/" + run + "/vllm/requests.jsonl");
    Times times;
    for (std::string line; std::getline(file, line);) {
        const json::object row = json::parse(line).as_object();
        const std::string id(row.at("request_id").as_string());
        const double queued = row.at("queued_ts").to_number<double>();
        times.ttft[id] = (row.at("first_token_ts").to_number<double>() - queued) * 1e9;
        times.e2e[id] = (row.at("last_token_ts").to_number<double>() - queued) * 1e9;
    }
    return times;
}

/// As the engine alone predicts them.
Times predicted_times(const ctl::VllmRun& real) {
    struct Sink final : RecordSink {
        void on_request(RequestRecord&& record) override {
            times.ttft[record.id] = static_cast<double>(record.ttft().value);
            times.e2e[record.id] = static_cast<double>(record.e2e().value);
        }
        void on_window(WindowRecord&&) override {}
        Times times;
    } sink;
    Run run(compile(ctl::scenario_of(real, true, Catalog::built_in()).value()).value(), sink);
    for (const Arrival& arrival : real.arrivals) run.offer(arrival);
    run.finish();
    return sink.times;
}

struct Residuals {
    double bias = 0;
    double mape = 0;
    double p90_ns = 0;
};

Residuals computed(const std::map<std::string, double>& predicted, const std::map<std::string, double>& observed) {
    double error_sum = 0;
    double observed_sum = 0;
    double relative = 0;
    std::vector<double> errors;
    for (const auto& [id, was] : observed) {
        const double error = predicted.at(id) - was;
        error_sum += error;
        observed_sum += was;
        relative += std::abs(error) / was;
        errors.push_back(std::abs(error));
    }
    std::sort(errors.begin(), errors.end());
    const auto rank = static_cast<std::size_t>(std::ceil(0.9 * static_cast<double>(errors.size())));
    return {error_sum / observed_sum, relative / static_cast<double>(errors.size()), errors[rank - 1]};
}

/// Streams a run of a server short of memory on the scenario that serves as it did, priced by the kernel times of its
/// GPU, and on another GPU's.
class VllmResiduals : public testing::Test {
protected:
    VllmResiduals() : daemon_([](config::DaemonConfig& config) {
        if (std::filesystem::exists(k_runs)) config.scenario_dirs = {std::string(k_runs) + "/kernel_profiles"};
    }) {}
    void SetUp() override {
        if (!std::filesystem::exists(k_runs)) GTEST_SKIP() << k_runs << " is not there";
        const auto runs = ctl::read_vllm_runs(k_runs, Catalog::built_in()).value();
        run_ = runs.front();
        ASSERT_EQ(run_.name, "rtx4090_llama3.1-8b");
        run_.toml += k_drift;
        std::string wrong = run_.toml;
        wrong.replace(wrong.find(run_.name), run_.name.size(), "wrong");
        const std::string gpu = "gpu = \"RTX-4090\"";
        ASSERT_NE(wrong.find(gpu), std::string::npos) << wrong;
        wrong.replace(wrong.find(gpu), gpu.size(), "gpu = \"H100-SXM\"");
        const std::string profile =
            std::filesystem::relative(run_.profile, std::string(k_runs) + "/kernel_profiles").string();
        const std::string right = run_.toml + "[cost]\nsource = \"profile\"\nprofile = '" + profile + "'\n";
        for (const std::string& toml : {right, wrong}) {
            ASSERT_EQ(daemon_.post("/api/v1/scenarios", toml, "application/toml").status, 201U);
        }
        IngestClient client(daemon_, true);
        (void)client.hello("real", {run_.name, "wrong"});
        client.send(protocol::ArrivalBatch{1, run_.arrivals, std::nullopt});
        client.send(protocol::End{2});
        client.wait_ack(2);
        const json::object stream = daemon_.wait_finished("real");
        right_ = std::to_string(stream.at("runs").at(0).at("id").as_int64());
        wrong_ = std::to_string(stream.at("runs").at(1).at("id").as_int64());
    }
    [[nodiscard]] json::value residuals(const std::string& run) const {
        return daemon_.get("/api/v1/runs/" + run + "/residuals").body;
    }

    TestDaemon daemon_;
    ctl::VllmRun run_;
    std::string right_;
    std::string wrong_;
};

TEST_F(VllmResiduals, in_sql_and_over_http_are_those_computed_from_the_servers_file) {
    const Times observed = observed_times(run_.name);
    const Times predicted = predicted_times(run_);
    const json::value whole = residuals(right_).at("whole");
    for (const auto& [metric, was, says] : {std::tuple{std::string("ttft"), &observed.ttft, &predicted.ttft},
                                            std::tuple{std::string("e2e"), &observed.e2e, &predicted.e2e}}) {
        SCOPED_TRACE(metric);
        const Residuals own = computed(*says, *was);
        std::printf("%s: bias %+.4f, MAPE %.4f, p90 of the absolute error %.1f ms\n", metric.c_str(), own.bias,
                    own.mape, own.p90_ns / 1e6);
        const auto sql = [&](const std::string& what) {
            return daemon_.sql("SELECT " + what + " FROM residual WHERE run_id = " + right_).to_number<double>();
        };
        const std::string error = metric + "_error_ns";
        const std::string measured = "observed_" + metric + "_ns";
        // The file has microseconds: the doubles of this test are off by less than a nanosecond each.
        EXPECT_NEAR(sql("1.0 * sum(" + error + ") / sum(" + measured + ")"), own.bias, 1e-8);
        EXPECT_NEAR(sql("avg(1.0 * abs(" + error + ") / " + measured + ")"), own.mape, 1e-7);
        EXPECT_NEAR(sql("percentile(abs(" + error + "), 90)"), own.p90_ns, 1e3);
        EXPECT_EQ(sql("count(*)"), 300.0);
        EXPECT_NEAR(whole.at(metric).at("bias").to_number<double>(), own.bias, 1e-8);
        EXPECT_NEAR(whole.at(metric).at("mape").to_number<double>(), own.mape, 1e-7);
        EXPECT_NEAR(whole.at(metric).at("error_p90_ns").to_number<double>(), own.p90_ns, own.p90_ns / 128 + 1e3);
        EXPECT_EQ(whole.at(metric).at("count"), 300);
    }
}

// The same windows by grouping the view: what is stored as the run goes on is what SQL finds afterwards.
TEST_F(VllmResiduals, windows_are_those_of_the_view) {
    const json::value all = residuals(right_);
    for (const json::value& window : all.at("items").as_array()) {
        const std::string of_window = " FROM residual WHERE run_id = " + right_ + " AND finished_ns / 30000000000 = " +
                                      std::to_string(window.at("start_ns").as_int64() / 30'000'000'000);
        EXPECT_EQ(daemon_.sql("SELECT count(*)" + of_window), window.at("ttft").at("count"));
        EXPECT_NEAR(daemon_.sql("SELECT avg(ttft_ns)" + of_window).to_number<double>(),
                    window.at("ttft").at("predicted_mean_ns").to_number<double>(), 1);
        if (window.at("tpot").is_null()) continue;  // nobody in it had two output tokens
        EXPECT_NEAR(daemon_.sql("SELECT avg(observed_tpot_ns)" + of_window).to_number<double>(),
                    window.at("tpot").at("observed_mean_ns").to_number<double>(), 1);
    }
}

TEST_F(VllmResiduals, raise_the_alarm_of_a_wrong_scenario_and_not_of_the_right_one) {
    const std::string raised = "SELECT count(*) FROM residual_window WHERE alarm = 1 AND run_id = ";
    EXPECT_EQ(daemon_.sql(raised + right_), 0) << residuals(right_);
    EXPECT_GT(daemon_.sql(raised + wrong_).to_number<std::int64_t>(), 0) << residuals(wrong_);
    // And not for want of windows that count.
    EXPECT_GE(
        daemon_
            .sql("SELECT count(*) FROM residual_window WHERE metric = 'e2e' AND requests >= 20 AND run_id = " + right_)
            .to_number<std::int64_t>(),
        2);
    EXPECT_TRUE(residuals(right_).at("alarms").as_array().empty());
    EXPECT_FALSE(residuals(wrong_).at("alarms").as_array().empty());
    EXPECT_EQ(residuals(right_).at("rule").at("windows"), 2);
    const std::string metrics = daemon_.get_text("/metrics");
    const auto gauge = [&](const std::string& scenario, const std::string& run) {
        return "replayd_drift_alarm{stream=\"real\",scenario=\"" + scenario + "\",run=\"" + run + "\",metric=\"e2e\"} ";
    };
    EXPECT_NE(metrics.find(gauge(run_.name, right_) + "0\n"), std::string::npos);
    EXPECT_NE(metrics.find(gauge("wrong", wrong_) + "1\n"), std::string::npos);
}

}  // namespace
}  // namespace replayd::test
