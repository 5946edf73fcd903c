// Data-parallel ranks of one replica begin and end every step together.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "tests/replay/sim/fixture.hpp"
#include "tests/replay/sim/random_scenario.hpp"

namespace replayd::test {
namespace {

/// Two ranks that take turns; a step is 5 ms, 50 us a prompt token and 100 us a decode.
Scenario two_ranks() {
    Scenario scenario = mixed_scenario();
    scenario.pools[0].parallel.data = 2;
    scenario.pools[0].router = RouterKind::round_robin;
    return scenario;
}

const RequestRecord& of(const Outcomes& out, std::int64_t sequence) {
    return *std::find_if(out.sink.requests.begin(), out.sink.requests.end(),
                         [&](const RequestRecord& record) { return record.sequence == sequence; });
}

// By hand: both prompts begin at 0, that of 100 tokens takes 10 ms, so the one of 20 ends then too.
TEST(RankGroups, a_step_takes_what_its_slowest_rank_takes) {
    const Outcomes out = replay(two_ranks(), {arrival(0, 0, 100, 1), arrival(1, 0, 20, 1)});
    for (const std::int64_t sequence : {0, 1}) EXPECT_EQ(of(out, sequence).finished.ns, 10 * k_ns_per_ms);
    EXPECT_EQ(of(out, 0).ledger[LedgerPart::batch_interference].value, 0);
    EXPECT_EQ(of(out, 1).ledger[LedgerPart::prefill_compute].value, 6 * k_ns_per_ms);
    EXPECT_EQ(of(out, 1).blame[BlameCause::slower_rank].value, 4 * k_ns_per_ms);
    EXPECT_EQ(out.snapshot.steps, 2);
}

// By hand: rank 0 computes a prompt until 10 ms. What comes to the idle rank at 3 ms begins at 10 ms.
TEST(RankGroups, an_idle_rank_never_runs_ahead) {
    const Outcomes out = replay(two_ranks(), {arrival(0, 0, 100, 1), arrival(1, 3 * k_ns_per_ms, 20, 1)});
    const RequestRecord& late = of(out, 1);
    EXPECT_EQ(late.scheduled.ns, 10 * k_ns_per_ms);
    EXPECT_EQ(late.finished.ns, 16 * k_ns_per_ms);
    EXPECT_EQ(late.ledger[LedgerPart::prefill_queue].value, 7 * k_ns_per_ms);
    EXPECT_EQ(late.blame[BlameCause::other_ranks].value, 7 * k_ns_per_ms);
}

// Beside a prompt of 10 ms on the other rank, a decode step takes 10 ms and not 5.1 ms: the slower rank's doing, in a
// stretch of decodes as in steps of their own.
TEST(RankGroups, decodes_wait_for_the_slower_rank_by_name) {
    const std::vector<Arrival> arrivals = {arrival(0, 0, 20, 100), arrival(1, 50 * k_ns_per_ms, 100, 1)};
    for (const std::int64_t steps : {0, 128}) {
        const Outcomes out = replay(two_ranks(), arrivals, {steps});
        EXPECT_EQ(of(out, 0).blame[BlameCause::slower_rank].value, 10 * k_ns_per_ms - 5'100'000);
        EXPECT_EQ(of(out, 0).ledger[LedgerPart::batch_interference], of(out, 0).blame[BlameCause::slower_rank]);
    }
}

// An idle rank's GPUs go along, but not for requests of its own.
TEST(RankGroups, going_along_is_neither_a_step_nor_busy_time) {
    const Outcomes out = replay(two_ranks(), {arrival(0, 0, 100, 3)});
    EXPECT_EQ(out.snapshot.steps, 3);
    Duration busy{0};
    for (const WindowRecord& window : out.sink.windows) busy += window.busy;
    EXPECT_EQ(busy.value, 20'200'000);  // 10 ms and twice 5.1 ms, of one rank
}

TEST(RankGroups, a_fork_keeps_its_ranks_together) {
    Scenario scenario = two_ranks();
    KeepingSink sink;
    replayd::Run run(compiled(scenario), sink);
    run.offer(arrival(0, 0, 100, 3));
    run.advance(VirtualTime(1));
    scenario.pools[0].parallel.data = 1;
    scenario.pools[0].replicas = 2;
    KeepingSink forked;
    const auto fork = run.fork(compiled(scenario), forked);
    ASSERT_FALSE(fork.has_value());
    EXPECT_EQ(fork.error().message,
              "pool mixed: data is 2 in the run and 1 in the changed scenario: expected the same");
}

/// The ranks of each scheduler's replica, as (first, pipeline stages).
std::vector<std::pair<std::int64_t, std::int64_t>> groups_of(const Scenario& scenario) {
    std::vector<std::pair<std::int64_t, std::int64_t>> groups;
    for (const PoolSpec& pool : scenario.pools) {
        for (std::int64_t replica = 0; replica < pool.replicas; ++replica) {
            const auto first = static_cast<std::int64_t>(groups.size());
            for (std::int64_t rank = 0; rank < pool.parallel.data; ++rank) {
                groups.push_back({first, pool.parallel.pipeline});
            }
        }
    }
    return groups;
}

// Batches of a group that begin together end together, and without pipeline stages none begins before the last has
// ended.
TEST(RankGroups, members_of_a_group_end_together) {
    for (std::uint64_t seed = 0; seed < 1500; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed ^ 0x94095);
        Scenario scenario = random_scenario(random);
        for (PoolSpec& pool : scenario.pools) pool.parallel.data = between(random, 1, 4);
        const Outcomes out = replay(scenario, random_trace(random), {}, true);
        const auto groups = groups_of(scenario);
        std::map<std::pair<std::int64_t, std::int64_t>, VirtualTime> end_of;  // by group and launch
        std::map<std::int64_t, VirtualTime> free;                             // by group
        std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::int32_t>> ranks;
        for (const BatchRecord& batch : out.sink.batches) {
            const auto& [first, stages] = groups[static_cast<std::size_t>(batch.replica)];
            const std::pair step(first, batch.scheduled.ns);
            if (stages > 1) continue;
            const auto known = end_of.try_emplace(step, batch.finished);
            EXPECT_EQ(known.first->second, batch.finished);
            if (known.second) {
                EXPECT_GE(batch.scheduled, free[first]);
                free[first] = batch.finished;
            }
            ranks[step].push_back(batch.replica);
        }
        for (const auto& [step, members] : ranks) {
            EXPECT_TRUE(std::is_sorted(members.begin(), members.end(), std::less_equal<>()))
                << "a rank twice in one step";
        }
        if (HasFailure()) return;
    }
}

}  // namespace
}  // namespace replayd::test
