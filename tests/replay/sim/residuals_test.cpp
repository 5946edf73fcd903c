// Observed against predicted: sums by window of finishing, and the alarm of a stated rule.

#include "replay/sim/residuals.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace replayd {
namespace {

constexpr DriftSpec k_rule{
    .window = Duration(10 * k_ns_per_s), .requests_min = 2, .bias = 0.25, .cache_bias = 0.05, .windows = 2};

/// Finishes at `second` with TTFT 100 ms, 10 ms per output token and 11 output tokens; `ratio` times as long was
/// observed.
RequestRecord finished(double second, double ratio) {
    RequestRecord record;
    record.prompt = Tokens(1000);
    record.output = Tokens(11);
    record.cached = Tokens(500);
    record.finished = VirtualTime(static_cast<std::int64_t>(second * 1e9));
    record.first_token = record.finished - Duration(100 * k_ns_per_ms);
    record.arrived = record.first_token - Duration(100 * k_ns_per_ms);
    const auto scaled = [ratio](Duration duration) {
        return Duration(static_cast<std::int64_t>(static_cast<double>(duration.value) * ratio));
    };
    record.observed_ttft = scaled(record.ttft());
    record.observed_e2e = scaled(record.e2e());
    return record;
}

/// The windows of such requests, two each 10 s, with these ratios.
std::vector<ResidualWindow> windows_of(const std::vector<double>& ratios, const DriftSpec& rule = k_rule) {
    ResidualTracker tracker(rule);
    std::vector<ResidualWindow> windows;
    const auto keep = [&windows](std::optional<ResidualWindow> window) {
        if (window) windows.push_back(std::move(*window));
    };
    for (std::size_t i = 0; i < ratios.size(); ++i) {
        for (const double offset : {1.0, 9.0}) {
            keep(tracker.add(finished(10.0 * static_cast<double>(i) + offset, ratios[i])));
        }
    }
    keep(tracker.finish());
    return windows;
}

std::vector<bool> alarms(const std::vector<ResidualWindow>& windows, ResidualMetric metric) {
    std::vector<bool> raised;
    for (const ResidualWindow& window : windows) raised.push_back(window[metric].alarm);
    return raised;
}

TEST(Residuals, sums_are_those_of_the_requests_that_finished_in_the_window) {
    const auto windows = windows_of({2.0, 0.5});
    ASSERT_EQ(windows.size(), 2U);
    EXPECT_EQ(windows[0].start, VirtualTime(0));
    EXPECT_EQ(windows[1].start, VirtualTime(10 * k_ns_per_s));
    const ResidualSums& ttft = windows[0][ResidualMetric::ttft];
    EXPECT_EQ(ttft.count, 2);
    EXPECT_EQ(ttft.predicted, 200 * k_ns_per_ms);
    EXPECT_EQ(ttft.observed, 400 * k_ns_per_ms);
    EXPECT_DOUBLE_EQ(ttft.bias().value(), -0.5);
    EXPECT_DOUBLE_EQ(ttft.mape().value(), 0.5);
    EXPECT_EQ(ttft.absolute_errors.max(), 100 * k_ns_per_ms);
    const ResidualSums& tpot = windows[1][ResidualMetric::tpot];  // from the observed TTFT and E2E
    EXPECT_EQ(tpot.predicted, 20 * k_ns_per_ms);
    EXPECT_EQ(tpot.observed, 10 * k_ns_per_ms);
    EXPECT_EQ(windows[0][ResidualMetric::cached_tokens].count, 0);
}

TEST(Residuals, requests_without_observation_and_rejected_ones_make_no_window) {
    ResidualTracker tracker(k_rule);
    RequestRecord bare = finished(1, 1);
    bare.observed_ttft = bare.observed_e2e = std::nullopt;
    EXPECT_FALSE(tracker.add(bare));
    RequestRecord rejected = finished(2, 1);
    rejected.outcome = Outcome::rejected;
    EXPECT_FALSE(tracker.add(rejected));
    EXPECT_FALSE(tracker.finish());
}

TEST(Residuals, what_was_not_above_zero_has_no_relative_error) {
    ResidualTracker tracker(k_rule);
    RequestRecord record = finished(1, 1);
    record.observed_ttft = Duration(0);
    EXPECT_FALSE(tracker.add(record));
    const ResidualWindow window = tracker.finish().value();
    EXPECT_EQ(window[ResidualMetric::ttft].count, 1);
    EXPECT_FALSE(window[ResidualMetric::ttft].bias());
    EXPECT_FALSE(window[ResidualMetric::ttft].mape());
}

// Two windows in a row beyond a bias of 25 % raise it, two within take it back; one alone does neither.
TEST(DriftAlarm, is_raised_and_taken_back_by_windows_in_a_row) {
    const auto windows = windows_of({1.0, 2.0, 1.0, 2.0, 2.0, 1.0, 2.0, 1.0, 1.0});
    const std::vector<bool> expected = {false, false, false, false, true, true, true, true, false};
    EXPECT_EQ(alarms(windows, ResidualMetric::ttft), expected);
    EXPECT_EQ(alarms(windows, ResidualMetric::e2e), expected);
}

TEST(DriftAlarm, passes_over_windows_with_too_few_requests) {
    DriftSpec rule = k_rule;
    rule.requests_min = 3;
    EXPECT_EQ(alarms(windows_of({2.0, 2.0, 2.0}, rule), ResidualMetric::ttft), std::vector<bool>(3, false));
}

// The canary: no clock is involved, so a server whose cache hits fell is seen at once.
TEST(DriftAlarm, of_cached_tokens_is_relative_to_the_prompts) {
    for (const auto& [observed, expected] : {std::pair{460, false}, std::pair{440, true}, std::pair{0, true}}) {
        ResidualTracker tracker(k_rule);
        std::vector<ResidualWindow> windows;
        for (int i = 0; i < 4; ++i) {
            RequestRecord record = finished(1 + 5 * i, 1);
            record.observed_cached = Tokens(observed);
            if (auto window = tracker.add(record)) windows.push_back(std::move(*window));
        }
        windows.push_back(tracker.finish().value());
        ASSERT_EQ(windows.size(), 2U);
        EXPECT_EQ(windows[1][ResidualMetric::cached_tokens].alarm, expected) << observed;
        EXPECT_FALSE(windows[1][ResidualMetric::ttft].alarm);
    }
}

TEST(Residuals, merged_windows_hold_the_sums_of_both) {
    auto windows = windows_of({2.0, 2.0});
    ResidualWindow merged = windows[0];
    append_residuals(merged, windows[1]);
    EXPECT_EQ(merged.length, Duration(20 * k_ns_per_s));
    EXPECT_EQ(merged[ResidualMetric::ttft].count, 4);
    EXPECT_DOUBLE_EQ(merged[ResidualMetric::ttft].bias().value(), -0.5);
    EXPECT_TRUE(merged[ResidualMetric::ttft].alarm);
}

}  // namespace
}  // namespace replayd
