// Schedulers that decide a step ahead.

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/replay/sim/fixture.hpp"

namespace replayd::test {
namespace {

/// A step is 5 ms, 50 us a prompt token and 100 us a decode.
Scenario ahead_scenario() {
    Scenario scenario = mixed_scenario();
    scenario.pools[0].batching.asynchronous = true;
    return scenario;
}

const RequestRecord& of(const Outcomes& out, std::int64_t sequence) {
    return *std::find_if(out.sink.requests.begin(), out.sink.requests.end(),
                         [&](const RequestRecord& record) { return record.sequence == sequence; });
}

// By hand: steps end at 10, 15.1 and 20.2 ms. Who comes at 12 ms is seen at 15.1, where the step from there to 20.2 was
// decided already; without deciding ahead it would begin at 15.1.
TEST(Asynchronous, an_arrival_takes_part_in_the_step_after_the_next) {
    const std::vector<Arrival> arrivals = {arrival(0, 0, 100, 10), arrival(1, 12 * k_ns_per_ms, 20, 1)};
    for (const std::int64_t steps : {0, 128}) {
        const Outcomes out = replay(ahead_scenario(), arrivals, {steps});
        const RequestRecord& late = of(out, 1);
        EXPECT_EQ(late.scheduled.ns, 20'200'000);
        EXPECT_EQ(late.blame[BlameCause::decided_ahead].value, 3'100'000);
        EXPECT_EQ(late.blame[BlameCause::step_in_flight].value, 5'100'000);
    }
    EXPECT_EQ(of(replay(mixed_scenario(), arrivals), 1).scheduled.ns, 15'100'000);
}

// By hand: of two places the first request gives one up at 7 ms. The step from there to 12.1 was decided before.
TEST(Asynchronous, a_finished_request_keeps_its_place_for_one_more_step) {
    Scenario scenario = ahead_scenario();
    scenario.pools[0].batching.max_sequences = 2;
    const Outcomes out = replay(scenario, {arrival(0, 0, 20, 1), arrival(1, 0, 20, 3), arrival(2, 0, 20, 1)});
    EXPECT_EQ(of(out, 0).finished.ns, 7 * k_ns_per_ms);
    EXPECT_EQ(of(out, 2).scheduled.ns, 12'100'000);
}

// With nothing to run the scheduler decides for the instant.
TEST(Asynchronous, an_idle_scheduler_does_not_wait) {
    Scenario scenario = ahead_scenario();
    scenario.pools[0].batching.max_sequences = 1;
    const Outcomes out = replay(scenario, {arrival(0, 0, 20, 1), arrival(1, 3 * k_ns_per_ms, 20, 1)});
    EXPECT_EQ(of(out, 0).scheduled.ns, 0);
    EXPECT_EQ(of(out, 1).scheduled.ns, 6 * k_ns_per_ms);
}

}  // namespace
}  // namespace replayd::test
