// Forecasts: the arrivals that are expected, and when a run under them breaks its objective.

#include "replay/sim/look_ahead.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "replay/catalog/scenario_toml.hpp"
#include "replay/trace/generator.hpp"
#include "tests/replay/sim/fixture.hpp"

namespace replayd {
namespace {

constexpr Duration k_minute{60 * k_ns_per_s};

std::shared_ptr<const std::vector<Arrival>> even_sample(std::int64_t per_second, std::int64_t seconds) {
    auto sample = std::make_shared<std::vector<Arrival>>();
    for (std::int64_t i = 0; i < per_second * seconds; ++i) {
        Arrival arrival;
        arrival.id = "s" + std::to_string(i);
        arrival.at = VirtualTime(i * k_ns_per_s / per_second);
        arrival.prompt = Tokens(100);
        arrival.output = Tokens(1);
        sample->push_back(arrival);
    }
    return sample;
}

std::vector<Arrival> all_of(TrafficForecast forecast) {
    std::vector<Arrival> arrivals;
    for (Arrival next; forecast.next(next); next = Arrival()) arrivals.push_back(next);
    return arrivals;
}

TEST(TrafficForecast, repeats_the_sample_at_its_rate) {
    const TrafficForecastSpec spec{VirtualTime(1000 * k_ns_per_s), 5 * k_minute, VirtualTime(0), k_minute, 1};
    const auto arrivals = all_of(TrafficForecast(spec, even_sample(4, 60)));
    ASSERT_EQ(arrivals.size(), 4U * 300U);
    EXPECT_EQ(arrivals[0].at, spec.from);
    EXPECT_EQ(arrivals[241].at, spec.from + k_minute + Duration(k_ns_per_s / 4));
}

// From a rate of 4/s to 12/s over 300 s: 300 × 8 arrivals, and by the middle 150 × 6.
TEST(TrafficForecast, ramp_changes_the_rate_linearly) {
    const TrafficForecastSpec spec{VirtualTime(0), 5 * k_minute, VirtualTime(0), k_minute, 3};
    const auto arrivals = all_of(TrafficForecast(spec, even_sample(4, 60)));
    EXPECT_NEAR(static_cast<double>(arrivals.size()), 2400, 1);
    const auto by_half = std::count_if(arrivals.begin(), arrivals.end(),
                                       [](const Arrival& a) { return a.at < VirtualTime(150 * k_ns_per_s); });
    EXPECT_NEAR(static_cast<double>(by_half), 900, 1);
}

TEST(TrafficForecast, falling_rate_ends) {
    const TrafficForecastSpec spec{VirtualTime(0), 5 * k_minute, VirtualTime(0), k_minute, 0.1};
    EXPECT_NEAR(static_cast<double>(all_of(TrafficForecast(spec, even_sample(4, 60))).size()), 4 * 300 * 0.55, 1);
}

TEST(TrafficForecast, prompts_are_new_and_what_they_share_stays_shared) {
    auto sample = std::make_shared<std::vector<Arrival>>(*even_sample(1, 2));
    (*sample)[0].prefix_block = (*sample)[1].prefix_block = Tokens(16);
    (*sample)[0].prefix_hashes = {7, 100};
    (*sample)[1].prefix_hashes = {7, 200};
    const TrafficForecastSpec spec{VirtualTime(0), Duration(4 * k_ns_per_s), VirtualTime(0), Duration(2 * k_ns_per_s),
                                   1};
    const auto arrivals = all_of(TrafficForecast(spec, sample));
    ASSERT_EQ(arrivals.size(), 4U);
    for (const Arrival& arrival : arrivals) {
        EXPECT_EQ(arrival.prefix_hashes[0], 7U);
        EXPECT_NE(arrival.prefix_hashes[1], 100U);
        EXPECT_NE(arrival.prefix_hashes[1], 200U);
    }
    EXPECT_NE(arrivals[0].prefix_hashes[1], arrivals[2].prefix_hashes[1]);
}

/// A server that takes `service_ms` per request, one by one: its queue grows without end from where more than
/// 1000 / service_ms requests arrive a second.
std::shared_ptr<const CompiledScenario> single_server(std::int64_t service_ms) {
    const std::string toml = R"(name = "one"
model = "Llama-3.1-8B"
gpu = "H100-SXM"
window_s = 10
[slo]
ttft_ms = 2000
[cost]
source = "linear"
step_us = )" + std::to_string(service_ms * 1000) + R"(
prefill_token_us = 0
decode_sequence_us = 0
[[pool]]
role = "mixed"
[pool.batching]
max_sequences = 1
)";
    return compile(parse_scenario(toml, "test", Catalog::built_in()).value()).value();
}

// The known answer: arrivals at rate r(t) = r0 (1 + (g-1) t/H) are deterministic, service takes s. From tc on, where
// r(tc) = 1/s, the backlog is the area between, B(t) = k (t - tc)² / 2 with k = r0 (g-1) / H, and a request that
// arrives at t waits s·B(t) and is served: TTFT passes 2 s where s·B(t) + s = 2 s. The forecast sees it when that
// first token comes, 2 s later, in its window of 10 s, so it must say the start of the window of t + 2 s.
TEST(LookAhead, finds_the_known_break_of_a_ramp_to_its_window) {
    struct Case {
        std::int64_t per_second;
        std::int64_t service_ms;
        double growth;
    };
    double worst_s = 0;
    for (const Case& each : {Case{2, 200, 4}, Case{4, 100, 5}, Case{5, 100, 3}, Case{8, 50, 4}, Case{10, 40, 6}}) {
        const double horizon_s = 900;
        const double service_s = static_cast<double>(each.service_ms) / 1000;
        const auto rate = static_cast<double>(each.per_second);
        const double slope = rate * (each.growth - 1) / horizon_s;
        const double critical_s = (1 / service_s - rate) / slope;
        const double broken_s = critical_s + std::sqrt(2 * (2 - service_s) / service_s / slope) + 2;
        test::KeepingSink nowhere;
        replayd::Run run(single_server(each.service_ms), nowhere);
        const LookAheadSpec spec{
            VirtualTime(0), Duration(900 * k_ns_per_s), {Duration(2 * k_ns_per_s), Duration(0)}, 0.99};
        const TrafficForecastSpec traffic{VirtualTime(0), spec.horizon, VirtualTime(0), k_minute, each.growth};
        LookAhead ahead(spec, TrafficForecast(traffic, even_sample(each.per_second, 60)),
                        [&run](RecordSink& sink) { return run.fork(sink); });
        while (ahead.step(1000)) {
        }
        ASSERT_TRUE(ahead.result().ttft_break);
        const double said_s = to_seconds(*ahead.result().ttft_break);
        worst_s = std::max(worst_s, std::abs(said_s - broken_s));
        EXPECT_LE(said_s, broken_s + 1) << each.growth;
        EXPECT_GE(said_s, broken_s - 11) << each.growth;
    }
    std::printf("largest distance from the known break: %.1f s, with windows of 10 s\n", worst_s);
}

TEST(LookAhead, holds_where_the_rate_stays_below_what_is_served) {
    test::KeepingSink nowhere;
    replayd::Run run(single_server(100), nowhere);
    const LookAheadSpec spec{VirtualTime(0), 5 * k_minute, {Duration(2 * k_ns_per_s), Duration(0)}, 0.99};
    const TrafficForecastSpec traffic{VirtualTime(0), spec.horizon, VirtualTime(0), k_minute, 1.5};
    LookAhead ahead(spec, TrafficForecast(traffic, even_sample(5, 60)),
                    [&run](RecordSink& sink) { return run.fork(sink); });
    while (ahead.step(100)) {
    }
    EXPECT_TRUE(ahead.result().holds());
    EXPECT_EQ(ahead.result().windows.size(), 30U);
}

// How far one call goes cannot change the answer, and the run that was forked goes on as if nothing had been asked.
TEST(LookAhead, leaves_the_run_as_it_was_and_does_not_depend_on_its_steps) {
    const auto compiled = single_server(100);
    const auto sample = even_sample(9, 60);
    const auto replayed = [&](bool look) {
        test::KeepingSink sink;
        replayd::Run run(compiled, sink);
        for (std::size_t i = 0; i < sample->size(); ++i) {
            run.offer((*sample)[i]);
            if (!look || i != sample->size() / 2) continue;
            run.advance((*sample)[i].at);
            const LookAheadSpec spec{(*sample)[i].at, k_minute, {Duration(2 * k_ns_per_s), Duration(0)}, 0.99};
            const TrafficForecastSpec traffic{spec.from, spec.horizon, VirtualTime(0), k_minute, 2};
            std::vector<std::int64_t> breaks;
            for (const int arrivals : {1, 7, 10'000}) {
                LookAhead ahead(spec, TrafficForecast(traffic, sample),
                                [&run](RecordSink& into) { return run.fork(into); });
                while (ahead.step(arrivals)) {
                }
                breaks.push_back(ahead.result().ttft_break.value_or(VirtualTime(-1)).ns + ahead.result().finished);
            }
            EXPECT_EQ(breaks[0], breaks[1]);
            EXPECT_EQ(breaks[0], breaks[2]);
        }
        run.finish();
        return run.hash().to_string();
    };
    EXPECT_EQ(replayed(true), replayed(false));
}

}  // namespace
}  // namespace replayd
