// What any queueing system obeys, and what any paged allocator must: Little's law, work conservation, and blocks at the
// boundaries of section 8 of the attention-workspace specification.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "replay/sim/events.hpp"
#include "tests/replay/sim/fixture.hpp"
#include "tests/replay/sim/random_scenario.hpp"

namespace replayd::test {
namespace {

// Mean number in the system × time = Σ time in the system, in integers: the number between two events is sampled from a
// run that is advanced from one arrival or end to the next, the times in the system are those of the records.
TEST(Conservation, littles_law_holds_exactly) {
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed ^ 0x117713);
        const Scenario scenario = random_scenario(random);
        const std::vector<Arrival> arrivals = random_trace(random);
        std::set<std::int64_t> events{0};
        std::int64_t in_system_ns = 0;
        for (const RequestRecord& record : replay(scenario, arrivals).sink.requests) {
            in_system_ns += record.e2e().value;
            events.insert(record.arrived.ns);
            events.insert(record.finished.ns);
        }
        KeepingSink sink;
        replayd::Run run(compiled(scenario), sink);
        for (const Arrival& next : arrivals) run.offer(next);
        std::int64_t integral = 0;
        std::int64_t before = 0;
        for (const std::int64_t event : events) {
            run.advance(VirtualTime(event));
            const RunSnapshot now = run.snapshot();
            integral += (now.waiting + now.running + now.transferring) * (event - before);
            before = event;
        }
        ASSERT_EQ(integral, in_system_ns);
    }
}

// On a mixed replica an admitted request can always run when nothing else does, so from its arrival to its end batches
// of its replica, on any of its data-parallel ranks, are under way without a gap. (A prefill replica may wait for
// transfers to leave, and a request for its load.)
TEST(Conservation, no_replica_idles_while_it_has_a_request) {
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed ^ 0x1d1e);
        Scenario scenario = random_scenario(random);
        const std::vector<Arrival> arrivals = random_trace(random);
        if (scenario.disaggregated()) continue;
        scenario.pools[0].kv.host = Bytes(0);
        const auto replica_of = [&](std::int32_t rank) {
            return static_cast<std::size_t>(rank / scenario.pools[0].parallel.data);
        };
        const Outcomes out = replay(scenario, arrivals, {}, true);
        std::array<std::vector<std::pair<VirtualTime, VirtualTime>>, 8> busy;  // of each replica, gaps left out
        for (const BatchRecord& batch : out.sink.batches) {
            auto& spans = busy.at(replica_of(batch.replica));
            if (!spans.empty() && batch.scheduled <= spans.back().second) {
                spans.back().second = std::max(spans.back().second, batch.finished);
            } else {
                spans.emplace_back(batch.scheduled, batch.finished);
            }
        }
        for (const RequestRecord& record : out.sink.requests) {
            if (record.outcome == Outcome::rejected) continue;
            const auto& spans = busy.at(replica_of(record.prefill_replica));
            EXPECT_TRUE(std::any_of(spans.begin(), spans.end(), [&](const auto& span) {
                return span.first <= record.arrived && record.finished <= span.second;
            })) << record.id;
        }
        if (HasFailure()) return;
    }
}

// A decode step after `len` tokens writes block len / N, so it has len / N + 1 blocks: one more than before exactly
// where len is a multiple of N. Contexts that start just before, on and just after each boundary, for policies that
// grow.
TEST(BlockBoundaries, a_step_has_the_block_that_it_writes) {
    for (const BatchPolicyKind policy : {BatchPolicyKind::vllm_v1, BatchPolicyKind::vllm, BatchPolicyKind::sarathi}) {
        for (const std::int64_t block : {1, 16, 64}) {
            for (std::int64_t n = 1; n <= 4; ++n) {
                for (const std::int64_t prompt : {n * block - 1, n * block, n * block + 1}) {
                    if (prompt == 0) continue;
                    SCOPED_TRACE("block " + std::to_string(block) + ", prompt " + std::to_string(prompt));
                    Scenario scenario = mixed_scenario();
                    scenario.pools[0].batching.policy = policy;
                    scenario.pools[0].kv.block = Tokens(block);
                    const Outcomes out = replay(scenario, {arrival(0, 0, prompt, block + 3)}, {}, true);
                    ASSERT_EQ(static_cast<std::int64_t>(out.sink.batches.size()), block + 3);
                    EXPECT_EQ(out.sink.batches[0].kv_blocks_used, ceil_div(prompt, block));
                    std::int64_t length = prompt;
                    for (std::size_t i = 1; i < out.sink.batches.size(); ++i, ++length) {
                        EXPECT_EQ(out.sink.batches[i].kv_blocks_used, length / block + 1) << "at length " << length;
                    }
                    EXPECT_EQ(out.snapshot.kv_blocks_used, 0);
                }
            }
        }
    }
}

// Two sequences fill a pool of 2n blocks at the same step: the next block is nobody's, so one of them is preempted, in
// exactly the step that would write beyond, and computes its n × N tokens again when the other has gone.
TEST(BlockBoundaries, without_a_free_block_a_sequence_is_preempted) {
    constexpr std::int64_t k_block = 16;
    for (const std::int64_t n : {1, 2, 4}) {
        for (const std::int64_t before : {-1, 0, 1}) {
            SCOPED_TRACE("n " + std::to_string(n) + ", prompt n x 16 - 4 + " + std::to_string(before));
            const std::int64_t prompt = n * k_block - 4 + before;
            const Outcomes out =
                replay(mixed_scenario(1, 2 * n), {arrival(0, 0, prompt, 12), arrival(1, 0, prompt, 12)}, {}, true);
            std::int64_t length = prompt;
            bool preempted = false;
            for (const BatchRecord& batch : out.sink.batches) {
                EXPECT_LE(batch.kv_blocks_used, 2 * n);
                if (batch.members.front().prefill || preempted) continue;
                preempted = length == n * k_block;
                EXPECT_EQ(batch.members.size(), preempted ? 1 : 2) << "at length " << length;
                ++length;
            }
            ASSERT_EQ(out.sink.requests.size(), 2);
            EXPECT_TRUE(preempted);
            EXPECT_EQ(out.sink.requests[0].preemptions, 0);
            EXPECT_EQ(out.sink.requests[1].preemptions, 1);
            EXPECT_EQ(out.sink.requests[1].ledger[LedgerPart::recompute].value,
                      5 * k_ns_per_ms + (n * k_block) * 50'000 + 50'000);
        }
    }
}

struct KeptEvents final : EventSink {
    void on_event(const RunEvent& event) override { events.push_back(event); }
    std::vector<RunEvent> events;
};

// Forked at any moment, a run that tells of windows only goes through the same events to the same totals and windows,
// but for the ledger in these. No request gets a record and the hash stays what it was.
TEST(Conservation, a_run_that_tells_of_windows_only_does_what_it_would_do) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed);
        const auto scenario = compiled(random_scenario(random));
        const auto arrivals = random_trace(random);
        KeepingSink before;
        replayd::Run run(scenario, before);
        for (const Arrival& arrival : arrivals) run.offer(arrival);
        run.advance(VirtualTime(
            static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(arrivals.back().at.ns + 1)))));
        KeepingSink with;
        KeepingSink without;
        KeptEvents events_with;
        KeptEvents events_without;
        replayd::Run keeps = run.fork(with);
        replayd::Run leaves_out = run.fork(without);
        keeps.tell_events(&events_with);
        leaves_out.tell_events(&events_without);
        leaves_out.tell_windows_only();
        keeps.finish();
        leaves_out.finish();
        ASSERT_EQ(events_without.events, events_with.events);
        ASSERT_TRUE(without.requests.empty());
        ASSERT_EQ(leaves_out.hash(), run.hash());
        ASSERT_EQ(leaves_out.snapshot().finished, keeps.snapshot().finished);
        ASSERT_EQ(leaves_out.snapshot().rejected, keeps.snapshot().rejected);
        ASSERT_EQ(leaves_out.snapshot().steps, keeps.snapshot().steps);
        ASSERT_EQ(without.windows.size(), with.windows.size());
        for (std::size_t i = 0; i < with.windows.size(); ++i) {
            // The window under way at the fork has what finished before.
            WindowRecord& window = with.windows[i];
            if (i > 0) {
                EXPECT_EQ(without.windows[i].ledger, WindowRecord().ledger);
            }
            window.ledger = without.windows[i].ledger;
            window.blame = without.windows[i].blame;
            ASSERT_EQ(without.windows[i], window);
        }
    }
}

}  // namespace
}  // namespace replayd::test
