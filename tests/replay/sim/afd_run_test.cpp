// Runs of AFD pools: they step as one, a late or silent server costs its timeouts and no request, and PD feeds them.

#include <gtest/gtest.h>

#include "replay/catalog/scenario_toml.hpp"
#include "replay/cost/afd/afd_cost.hpp"
#include "tests/replay/sim/fixture.hpp"

namespace replayd::test {
namespace {

/// A few layers of Step-3 on one attention server of two ranks and one FFN server.
Scenario step3_scenario(PoolRole role = PoolRole::mixed) {
    Scenario scenario = role == PoolRole::mixed ? mixed_scenario() : pd_scenario(1, 1);
    const Catalog catalog = Catalog::built_in();
    scenario.model = catalog.model("Step-3").value();
    scenario.model.layers = 6;
    scenario.model.moe->first_dense_layers = 1;
    scenario.cost = CostSource::analytic;
    for (PoolSpec& spec : scenario.pools) {
        spec.gpu = catalog.gpu("H100-SXM").value();
        spec.weights = DataType::fp8;
        spec.max_context = Tokens(8'192);
    }
    PoolSpec& spec = scenario.pools.back();
    spec.parallel.data = 2;
    spec.afd.emplace();
    spec.afd->connector = AfdConnector::stepmesh;
    spec.afd->latency = Duration(7'500);
    spec.afd->timeout = Duration(20 * k_ns_per_ms);
    spec.afd->ffn = {spec.gpu, 1, 4, 0};
    return scenario;
}

std::vector<Arrival> burst(std::int64_t count) {
    std::vector<Arrival> arrivals;
    for (std::int64_t i = 0; i < count; ++i) arrivals.push_back(arrival(i, i * 1'000'000, 300, 40));
    return arrivals;
}

VirtualTime last_end(const Outcomes& outcomes) {
    VirtualTime end;
    for (const RequestRecord& record : outcomes.sink.requests) end = std::max(end, record.finished);
    return end;
}

TEST(AfdRun, a_step_takes_what_the_pipeline_says_of_all_ranks) {
    const Scenario scenario = step3_scenario();
    const auto cost = afd::AfdCost::make(scenario.model, scenario.pools.front());
    ASSERT_TRUE(cost) << cost.error().message;
    // One prompt on each of the two ranks at once, one output token: a single step.
    const Outcomes outcomes = replay(scenario, {arrival(0, 0, 300, 1), arrival(1, 0, 300, 1)});
    StepShape prompt;
    prompt.prefill_tokens = prompt.prefill_context = 300;
    prompt.prefill_sequences = prompt.sampled_sequences = 1;
    prompt.prefill_pairs = 300 * 301 / 2;
    prompt.prefill_squares = 300 * 300;
    const std::vector<StepShape> ranks = {prompt, prompt};
    EXPECT_EQ(last_end(outcomes), VirtualTime(0) + (*cost)->step_of(ranks));
}

TEST(AfdRun, stretches_give_what_single_steps_give) {
    const Scenario scenario = step3_scenario();
    const Outcomes macro = replay(scenario, burst(30));
    const Outcomes stepper = replay(scenario, burst(30), {.stretch_steps_max = 0});
    EXPECT_EQ(macro.hash, stepper.hash);
    EXPECT_EQ(macro.sink.requests, stepper.sink.requests);
}

TEST(AfdRun, a_decode_pool_by_afd_takes_over_from_prefill) {
    const Outcomes outcomes = replay(step3_scenario(PoolRole::decode), burst(30));
    EXPECT_EQ(outcomes.snapshot.finished, 30);
    for (const RequestRecord& record : outcomes.sink.requests) {
        EXPECT_NE(record.prefill_replica, record.decode_replica);
        EXPECT_GT(record.ledger[LedgerPart::transfer], Duration(0));
    }
}

// 20 ms of timeout: a server that is silent for 50 ms costs three tries, and the run goes on.
TEST(AfdRun, a_silent_server_costs_its_timeouts_and_no_request) {
    Scenario scenario = step3_scenario();
    const Outcomes sound = replay(scenario, burst(30));
    AfdFault fault;
    fault.from = VirtualTime(10 * k_ns_per_ms);
    fault.until = VirtualTime(60 * k_ns_per_ms);
    scenario.pools.front().afd->faults = {fault};
    const Outcomes faulty = replay(scenario, burst(30));
    EXPECT_EQ(sound.snapshot.failed_steps, 0);
    EXPECT_EQ(faulty.snapshot.failed_steps, 3);
    EXPECT_EQ(faulty.snapshot.finished, 30);
    EXPECT_GE(last_end(faulty), last_end(sound) + Duration(40 * k_ns_per_ms));
    EXPECT_LE(last_end(faulty), last_end(sound) + Duration(62 * k_ns_per_ms));
}

TEST(AfdRun, what_a_silent_server_costs_is_interference_by_other_ranks) {
    Scenario scenario = step3_scenario();
    AfdFault fault;
    fault.until = VirtualTime(1);
    scenario.pools.front().afd->faults = {fault};
    const Outcomes outcomes = replay(scenario, {arrival(0, 0, 300, 1)});
    const RequestRecord& record = outcomes.sink.requests.front();
    EXPECT_EQ(outcomes.snapshot.failed_steps, 1);
    EXPECT_EQ(record.blame[BlameCause::slower_rank], Duration(20 * k_ns_per_ms));
}

TEST(AfdRun, a_late_server_delays_the_step) {
    Scenario scenario = step3_scenario();
    const Outcomes sound = replay(scenario, {arrival(0, 0, 300, 1)});
    AfdFault fault;
    fault.role = AfdRole::attention;
    fault.until = VirtualTime(1);
    fault.delay = Duration(5 * k_ns_per_ms);
    scenario.pools.front().afd->faults = {fault};
    const Outcomes late = replay(scenario, {arrival(0, 0, 300, 1)});
    EXPECT_EQ(last_end(late), last_end(sound) + Duration(5 * k_ns_per_ms));
    EXPECT_EQ(late.snapshot.failed_steps, 0);
}

TEST(AfdRun, forks_keep_or_lack_afd_together) {
    const Scenario with = step3_scenario();
    Scenario without = with;
    without.pools.front().afd.reset();
    KeepingSink sink;
    const replayd::Run run(compiled(with), sink);
    const auto fork = run.fork(compiled(without), sink);
    ASSERT_FALSE(fork);
    EXPECT_EQ(fork.error().message, "pool mixed: expected [pool.afd] in both scenarios or in neither");
}

}  // namespace
}  // namespace replayd::test
