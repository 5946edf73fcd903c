// What `replayctl recalibrate` proposes: found where the truth is known, held out where it is not.

#include "daemon/replayctl/calibration_fit.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "daemon/replayctl/vllm_run.hpp"
#include "replay/catalog/scenario_toml.hpp"
#include "replay/sim/run.hpp"
#include "replay/trace/generator.hpp"
#include "tests/source_paths.hpp"

namespace replayd::ctl {
namespace {

constexpr const char* k_runs = REPLAYD_SOURCE_DIR "/../shared/data/vllm_runs";

constexpr const char* k_toml = R"(name = "c"
model = "Llama-3.1-8B"
gpu = "H100-SXM"
[[pool]]
role = "mixed"
)";

Scenario scenario_with(const std::string& more) {
    return parse_scenario(k_toml + more, "test", Catalog::built_in()).value();
}

/// Arrivals with the times that `truth` gives them.
std::vector<Arrival> observed_on(const Scenario& truth) {
    GeneratorOptions options;
    options.count = 400;
    options.arrivals.rate_per_s = 8;
    auto generator = TraceGenerator::make(options).value();
    std::vector<Arrival> arrivals;
    while (auto arrival = generator.next()) arrivals.push_back(std::move(*arrival));
    struct Sink final : RecordSink {
        explicit Sink(std::vector<Arrival>& wanted) : arrivals(wanted) {}
        void on_request(RequestRecord&& record) override {
            Arrival& arrival = arrivals[static_cast<std::size_t>(record.sequence)];
            arrival.observed_ttft = record.ttft();
            arrival.observed_e2e = record.e2e();
        }
        void on_window(WindowRecord&&) override {}
        std::vector<Arrival>& arrivals;
    };
    const std::vector<Arrival> offered = arrivals;
    Sink sink(arrivals);
    Run run(compile(truth).value(), sink);
    for (const Arrival& arrival : offered) run.offer(arrival);
    run.finish();
    return arrivals;
}

// The server is 30 % slower than the catalog says and spends 300 us per step beside the kernels.
TEST(CalibrationFit, finds_the_corrections_that_made_the_observations) {
    const auto arrivals = observed_on(scenario_with("[cost]\n[cost.calibration]\nkernels = 1.3\nhost_us = 300\n"));
    const CalibrationFit fit = fit_calibration(scenario_with(""), arrivals, 0.5).value();
    EXPECT_NEAR(fit.calibration.kernels, 1.3, 0.03);
    EXPECT_NEAR(static_cast<double>(fit.calibration.host.value) / k_ns_per_us, 300, 150);
    EXPECT_TRUE(fit.improves());
    EXPECT_GT(fit.before.held_out.error(), 0.2);
    // Which batch a request meets is chaotic, so that errors have many valleys: reached is 0.028.
    EXPECT_LT(fit.after.held_out.error(), 0.04);
}

TEST(CalibrationFit, says_that_nothing_is_gained_where_the_scenario_is_right) {
    const auto arrivals = observed_on(scenario_with(""));
    const CalibrationFit fit = fit_calibration(scenario_with(""), arrivals, 0.5).value();
    EXPECT_EQ(fit.calibration, CalibrationSpec{});
    EXPECT_FALSE(fit.improves());
}

// A scenario that is calibrated already is judged as it is, and goes on from there.
TEST(CalibrationFit, starts_from_the_scenarios_own) {
    const auto truth = scenario_with("[cost]\n[cost.calibration]\nkernels = 1.2\n");
    const CalibrationFit fit = fit_calibration(truth, observed_on(truth), 0.3).value();
    EXPECT_EQ(fit.calibration, truth.calibration);
    EXPECT_EQ(fit.before.held_out.error(), 0);
}

TEST(CalibrationFit, needs_observed_times_in_both_parts) {
    auto arrivals = observed_on(scenario_with(""));
    for (std::size_t i = arrivals.size() / 2; i < arrivals.size(); ++i) {
        arrivals[i].observed_ttft = arrivals[i].observed_e2e = std::nullopt;
    }
    const auto fit = fit_calibration(scenario_with(""), arrivals, 0.5);
    ASSERT_FALSE(fit);
    EXPECT_EQ(fit.error().message,
              "the held-out part has no finished request with observed times: expected some in both parts; is "
              "the trace one with observed_ttft_ns or observed_e2e_ns?");
}

// A real server: either the held-out part is met better, or the fit says that it is not.
TEST(CalibrationFit, on_real_runs_says_whether_the_held_out_part_improves) {
    if (!std::filesystem::exists(k_runs)) GTEST_SKIP() << k_runs << " is not there";
    const auto runs = read_vllm_runs(k_runs, Catalog::built_in()).value();
    for (const VllmRun& run : runs) {
        const Scenario scenario = scenario_of(run, false, Catalog::built_in()).value();
        const CalibrationFit fit = fit_calibration(scenario, run.arrivals, 0.5).value();
        std::printf(
            "%s: kernels %.3f, host %lld us, fitted error %.4f -> %.4f, held-out error %.4f -> %.4f, %s, %lld "
            "replays\n",
            run.name.c_str(), fit.calibration.kernels, static_cast<long long>(fit.calibration.host.value / k_ns_per_us),
            fit.before.fitted.error(), fit.after.fitted.error(), fit.before.held_out.error(),
            fit.after.held_out.error(), fit.improves() ? "improves" : "does not improve",
            static_cast<long long>(fit.replays));
        EXPECT_LE(fit.after.fitted.error(), fit.before.fitted.error());
        EXPECT_EQ(fit.improves(), fit.after.held_out.error() < 0.99 * fit.before.held_out.error());
    }
}

}  // namespace
}  // namespace replayd::ctl
