// Replicas that come and go: what they cost, that nothing is lost with them, that waiting for them has its own name.
// That stretches, forks and any cut of the arrivals change nothing is in run_property_test.cpp, whose scenarios scale,
// too.

#include <gtest/gtest.h>

#include <algorithm>

#include "replay/sim/scaler.hpp"
#include "tests/replay/sim/fixture.hpp"
#include "tests/replay/sim/random_scenario.hpp"

namespace replayd::test {
namespace {

constexpr std::int64_t k_second = k_ns_per_s;

/// Looks every second, starts within two, removes after four.
AutoscaleSpec quick_times() {
    AutoscaleSpec times;
    times.interval = Duration(k_second);
    times.startup = Duration(2 * k_second);
    times.down_after = Duration(4 * k_second);
    return times;
}

Scenario scaling_mixed(AutoscaleRule rule, double target) {
    Scenario scenario = mixed_scenario(4);
    scenario.autoscale = quick_times();
    scenario.pools[0].batching.max_sequences = 8;
    scenario.pools[0].autoscale = PoolAutoscaleSpec{rule, target, 1, 1};
    scenario.slo = {Duration(k_second), Duration(20 * k_ns_per_ms)};
    return scenario;
}

/// `count` requests, one every `gap` milliseconds from `from` seconds on.
void add_requests(std::vector<Arrival>& to, std::int64_t count, std::int64_t from_s, std::int64_t gap_ms,
                  std::int64_t prompt, std::int64_t output) {
    for (std::int64_t i = 0; i < count; ++i) {
        to.push_back(arrival(static_cast<std::int64_t>(to.size()), from_s * k_second + i * gap_ms * k_ns_per_ms, prompt,
                             output));
    }
}

/// A busy time, then a quiet one of a minute, then a last request.
std::vector<Arrival> burst_and_quiet() {
    std::vector<Arrival> out;
    add_requests(out, 400, 1, 25, 100, 60);
    add_requests(out, 60, 11, 1000, 20, 5);
    return out;
}

TEST(Autoscale, a_fixed_cluster_pays_for_every_gpu_from_the_first_arrival_to_the_last_event) {
    const Outcomes ran =
        replay(mixed_scenario(3), {arrival(0, 5 * k_second, 100, 10), arrival(1, 9 * k_second, 100, 10)});
    EXPECT_EQ(ran.snapshot.gpu_time, 3 * (ran.sink.requests.back().finished - VirtualTime(5 * k_second)));
    EXPECT_EQ(ran.snapshot.replicas_started, 0);
    EXPECT_EQ(ran.snapshot.replicas_stopped, 0);
}

TEST(Autoscale, every_rule_adds_replicas_in_a_burst_and_removes_them_after_it) {
    const std::vector<Arrival> arrivals = burst_and_quiet();
    const Outcomes fixed = replay(mixed_scenario(4), arrivals);
    for (const auto& [rule, target] : {std::pair(AutoscaleRule::utilisation, 0.7), std::pair(AutoscaleRule::queue, 4.0),
                                       std::pair(AutoscaleRule::objective, 0.5)}) {
        SCOPED_TRACE(static_cast<int>(rule));
        const Outcomes ran = replay(scaling_mixed(rule, target), arrivals);
        EXPECT_EQ(ran.snapshot.finished, static_cast<std::int64_t>(arrivals.size()));
        EXPECT_GE(ran.snapshot.replicas_started, 1);
        EXPECT_GE(ran.snapshot.replicas_stopped, 1);
        EXPECT_LT(ran.snapshot.gpu_time, fixed.snapshot.gpu_time);
        EXPECT_EQ(ran.snapshot.kv_blocks_used, 0);
        for (const RequestRecord& record : ran.sink.requests) EXPECT_EQ(record.ledger.sum(), record.e2e());
    }
}

// The first look is at second 2, a start takes 2 seconds: nothing runs on the others before second 4.
TEST(Autoscale, a_replica_serves_only_after_its_start) {
    const Outcomes ran = replay(scaling_mixed(AutoscaleRule::queue, 2), burst_and_quiet());
    bool others = false;
    for (const RequestRecord& record : ran.sink.requests) {
        if (record.prefill_replica == 0) continue;
        others = true;
        EXPECT_GE(record.arrived, VirtualTime(4 * k_second));
    }
    EXPECT_TRUE(others);
}

// Waiting while a start is under way is charged to it, as far as another replica would have helped, and to nothing else
// after it.
TEST(Autoscale, waiting_for_a_replica_that_starts_has_its_own_cause) {
    const Outcomes ran = replay(scaling_mixed(AutoscaleRule::queue, 2), burst_and_quiet());
    Duration starting{0};
    for (const RequestRecord& record : ran.sink.requests) {
        starting += record.blame[BlameCause::replica_starting];
        if (record.finished < VirtualTime(2 * k_second)) {
            EXPECT_EQ(record.blame[BlameCause::replica_starting], Duration(0));
        }
    }
    EXPECT_GT(starting, Duration(0));
    const Outcomes fixed = replay(mixed_scenario(1), burst_and_quiet());
    for (const RequestRecord& record : fixed.sink.requests) {
        EXPECT_EQ(record.blame[BlameCause::replica_starting], Duration(0));
    }
}

/// Four prefill and four decode replicas at most, which may change sides within half a second.
Scenario exchanging() {
    Scenario scenario = pd_scenario(4, 4);
    scenario.autoscale = quick_times();
    scenario.autoscale.take_over = Duration(k_second / 2);
    scenario.pools[0].autoscale = PoolAutoscaleSpec{AutoscaleRule::utilisation, 0.6, 1, 3};
    scenario.pools[1].autoscale = PoolAutoscaleSpec{AutoscaleRule::utilisation, 0.6, 1, 1};
    scenario.pools[1].batching.max_sequences = 8;
    return scenario;
}

// Short prompts with long answers: decode needs what prefill does not. The replicas that change sides cost no more
// GPUs.
TEST(Autoscale, replicas_change_from_prefill_to_decode) {
    std::vector<Arrival> arrivals;
    add_requests(arrivals, 300, 1, 40, 10, 100);
    const Outcomes ran = replay(exchanging(), arrivals);
    EXPECT_EQ(ran.snapshot.finished, 300);
    EXPECT_GE(ran.snapshot.replicas_started, 2);
    EXPECT_GE(ran.snapshot.replicas_stopped, 2);
    std::int64_t decoders = 0;
    for (const RequestRecord& record : ran.sink.requests) {
        decoders = std::max<std::int64_t>(decoders, record.decode_replica - 3);
    }
    EXPECT_GE(decoders, 3);
    const Duration span = ran.sink.requests.back().finished - VirtualTime(k_second);
    EXPECT_LE(ran.snapshot.gpu_time, 5 * span);
}

// No request is lost, and none is on a replica that is gone: after the last request every replica beyond the least is
// drained sooner or later, whatever it held.
TEST(Autoscale, decode_replicas_are_drained_before_they_go) {
    Scenario scenario = exchanging();
    scenario.autoscale.take_over = Duration(0);
    scenario.autoscale.down_after = Duration(0);
    std::vector<Arrival> arrivals;
    for (std::int64_t wave = 0; wave < 5; ++wave) add_requests(arrivals, 60, 1 + 20 * wave, 30, 200, 150);
    const Outcomes ran = replay(scenario, arrivals);
    EXPECT_EQ(ran.snapshot.finished, 300);
    EXPECT_GE(ran.snapshot.replicas_stopped, 4);
    for (const RequestRecord& record : ran.sink.requests) {
        EXPECT_EQ(record.outcome, Outcome::finished);
        EXPECT_EQ(record.preemptions, 0);
        EXPECT_EQ(record.ledger.sum(), record.e2e());
    }
}

// What was due in a pause is made up for before the next arrival: a run that was advanced far into it ends as one that
// was not.
TEST(Autoscale, advancing_into_a_pause_changes_nothing) {
    const std::vector<Arrival> arrivals = {arrival(0, k_second, 500, 900), arrival(1, 100 * k_second, 500, 50),
                                           arrival(2, 101 * k_second, 10, 5)};
    const Scenario scenario = scaling_mixed(AutoscaleRule::utilisation, 0.01);
    const Outcomes whole = replay(scenario, arrivals);
    KeepingSink sink;
    replayd::Run parts(compile(scenario).value(), sink);
    for (const Arrival& each : arrivals) {
        parts.advance(VirtualTime(each.at.ns - k_second / 3));
        parts.offer(each);
    }
    parts.advance(VirtualTime(1000 * k_second));
    parts.finish();
    EXPECT_EQ(parts.hash(), whole.hash);
    EXPECT_EQ(parts.snapshot().gpu_time, whole.snapshot.gpu_time);
    EXPECT_EQ(sink.requests, whole.sink.requests);
    EXPECT_EQ(sink.windows, whole.sink.windows);
    EXPECT_GE(whole.snapshot.replicas_stopped, 1);
}

// What the properties of run_property_test.cpp are held against: random scenarios in which replicas start, are drained
// and go.
TEST(Autoscale, random_scenarios_scale) {
    std::int64_t started = 0;
    std::int64_t stopped = 0;
    std::int64_t blamed = 0;
    for (std::uint64_t seed = 0; seed < 2'500; ++seed) {
        Random random(seed);
        const Scenario scenario = random_scenario(random);
        const Outcomes ran = replay(scenario, random_trace(random));
        started += ran.snapshot.replicas_started;
        stopped += ran.snapshot.replicas_stopped;
        for (const RequestRecord& record : ran.sink.requests) {
            const Duration waited =
                record.blame[BlameCause::replica_starting] + record.blame[BlameCause::destination_starting];
            blamed += waited > Duration(0) ? 1 : 0;
        }
        EXPECT_EQ(ran.snapshot.kv_blocks_used, 0) << "seed " << seed;
    }
    EXPECT_GT(started, 100);
    EXPECT_GT(stopped, 100);
    EXPECT_GT(blamed, 20);
}

TEST(Scaler, a_draining_replica_serves_on_when_it_is_needed_again) {
    Scaler scaler(scaling_mixed(AutoscaleRule::queue, 1));
    std::vector<PhaseChange> changes;
    const auto no_load = [](std::size_t, std::int64_t) { return std::int64_t{0}; };
    scaler.begin(VirtualTime(0));
    scaler.decide(VirtualTime(k_second), std::vector<std::int64_t>{2}, no_load, changes);
    scaler.end_starts(VirtualTime(3 * k_second), changes);
    EXPECT_EQ(scaler.active(0), 2);
    scaler.decide(VirtualTime(4 * k_second), std::vector<std::int64_t>{1}, no_load, changes);
    EXPECT_EQ(scaler.active(0), 2) << "fewer are enough only for so long";
    scaler.decide(VirtualTime(8 * k_second), std::vector<std::int64_t>{1}, no_load, changes);
    EXPECT_EQ(scaler.active(0), 1);
    EXPECT_EQ(scaler.draining(), 1);
    EXPECT_EQ(scaler.phase(0, 1), ReplicaPhase::draining) << "the last of those with the least to do";
    scaler.decide(VirtualTime(9 * k_second), std::vector<std::int64_t>{2}, no_load, changes);
    EXPECT_EQ(scaler.active(0), 2);
    EXPECT_EQ(scaler.started(), 1) << "it never left";
    EXPECT_EQ(scaler.gpu_time(VirtualTime(10 * k_second)), Duration((10 + 9) * k_second));
}

}  // namespace
}  // namespace replayd::test
