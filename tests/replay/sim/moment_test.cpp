// The state of a run at a moment, and the first event in which two runs differ.

#include <gtest/gtest.h>

#include "replay/sim/first_difference.hpp"
#include "replay/sim/moment.hpp"
#include "replay/sim/no_sink.hpp"
#include "tests/replay/sim/random_scenario.hpp"

namespace replayd::test {
namespace {

constexpr std::size_t k_all = 1'000'000;

class EventList final : public EventSink {
public:
    void on_event(const RunEvent& event) override { events.push_back(event); }
    std::vector<RunEvent> events;
};

std::string text_of(const MomentRequest& r) {
    return r.id + " " + std::to_string(r.sequence) + " at " + std::to_string(r.arrived.ns) + " since " +
           std::to_string(r.since.ns) + " computed " + std::to_string(r.computed.value) + " generated " +
           std::to_string(r.generated.value) + "/" + std::to_string(r.output.value) + " blocks " +
           std::to_string(r.blocks) + " preempted " + std::to_string(r.preemptions) + (r.in_step ? " in step\n" : "\n");
}

/// Everything that a moment says of the replicas, for messages and for equality.
std::string text_of(const Moment& moment) {
    std::string out = moment.hash.to_string() + "\n";
    for (const MomentReplica& r : moment.replicas) {
        out += "replica " + std::to_string(r.replica) + " phase " + std::to_string(static_cast<int>(r.phase)) + " kv " +
               std::to_string(r.kv_blocks_used) + "+" + std::to_string(r.kv_blocks_cached) + "/" +
               std::to_string(r.kv_blocks_total) + " host " + std::to_string(r.host_blocks_used) + " incoming " +
               std::to_string(r.incoming) + "\n";
        for (const MomentRequest& waiting : r.waiting) out += "waits " + text_of(waiting);
        for (const MomentRequest& running : r.running) out += "runs " + text_of(running);
        for (const MomentStep& step : r.steps) {
            out += "step " + std::to_string(step.began.ns) + "-" + std::to_string(step.ends.ns) + " of " +
                   std::to_string(step.sequences) + ": " + std::to_string(step.prompt_tokens) + ", " +
                   std::to_string(step.decodes) + "\n";
        }
    }
    for (const MomentTransfer& t : moment.transfers) {
        out += "transfer " + std::to_string(static_cast<int>(t.state)) + " " + std::to_string(t.sequence) + " " +
               std::to_string(t.source) + ">" + std::to_string(t.destination) + " " + std::to_string(t.since.ns) + "\n";
    }
    return out;
}

// Decode sets and stretches are no part of the state: at any moment it is that of the engine which makes every step an
// event.
TEST(Moment, does_not_depend_on_how_the_run_was_computed) {
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed);
        const Scenario scenario = random_scenario(random);
        const std::vector<Arrival> arrivals = random_trace(random);
        const VirtualTime at(between(random, 1, 3'000) * k_ns_per_ms);
        const auto compiled_scenario = compiled(scenario);
        replayd::Run quick(compiled_scenario, no_sink());
        replayd::Run stepper(compiled_scenario, no_sink(), RunOptions{0});
        for (const Arrival& next : arrivals) {
            quick.offer(next);
            stepper.offer(next);
        }
        quick.advance(at);
        stepper.advance(at);
        const Moment moment = quick.moment(k_all);
        ASSERT_EQ(text_of(moment), text_of(stepper.moment(k_all)));
        ASSERT_EQ(moment.at, at);
        ASSERT_EQ(moment.snapshot.steps, stepper.snapshot().steps);
        quick.finish();  // and looking has changed nothing
        ASSERT_EQ(quick.hash(), replay(scenario, arrivals).hash);
    }
}

// Two requests on one replica with blocks for one: the first decodes, the second waits with its age; figures by hand.
TEST(Moment, shows_the_queue_the_step_and_the_blocks) {
    Scenario scenario = mixed_scenario(1, 10);
    scenario.linear = {Duration(10 * k_ns_per_ms), Duration(0), Duration(0)};  // every step takes 10 ms
    replayd::Run run(compiled(scenario), no_sink());
    run.offer(arrival(0, 0, 100, 40));
    run.offer(arrival(1, 25 * k_ns_per_ms, 100, 40));
    run.advance(VirtualTime(34 * k_ns_per_ms));
    const Moment moment = run.moment(k_all);
    ASSERT_EQ(moment.replicas.size(), 1U);
    const MomentReplica& replica = moment.replicas[0];
    EXPECT_EQ(replica.kv_blocks_total, 10);
    EXPECT_EQ(replica.kv_blocks_used, 7);
    ASSERT_EQ(replica.running.size(), 1U);
    EXPECT_EQ(replica.running[0].generated, Tokens(3));
    EXPECT_EQ(replica.running[0].computed, Tokens(102));
    ASSERT_EQ(replica.waiting.size(), 1U);
    EXPECT_EQ(replica.waiting[0].id, "r1");
    EXPECT_EQ(moment.at - replica.waiting[0].since, Duration(9 * k_ns_per_ms));
    ASSERT_EQ(replica.steps.size(), 1U);
    EXPECT_EQ(replica.steps[0].began, VirtualTime(30 * k_ns_per_ms));
    EXPECT_EQ(replica.steps[0].ends, VirtualTime(40 * k_ns_per_ms));
    EXPECT_EQ(replica.steps[0].decodes, 1);
    EXPECT_EQ(run.moment(0).replicas[0].waiting_count, 1);
    EXPECT_TRUE(run.moment(0).replicas[0].waiting.empty());
}

std::vector<RunEvent> all_events(const Scenario& scenario, const std::vector<Arrival>& arrivals) {
    EventList list;
    replayd::Run run(compiled(scenario), no_sink());
    run.tell_events(&list);
    for (const Arrival& next : arrivals) run.offer(next);
    run.finish();
    return std::move(list.events);
}

/// Drives the search with the trace cut into pieces.
std::optional<FirstDifference> search(const Scenario& a, const Scenario& b, const std::vector<Arrival>& arrivals,
                                      std::size_t piece) {
    DifferenceSearch halving(replayd::Run(compiled(a), no_sink()), replayd::Run(compiled(b), no_sink()));
    bool found = false;
    for (std::size_t i = 0; i < arrivals.size() && !found; i += piece) {
        const auto these = std::span(arrivals).subspan(i, std::min(piece, arrivals.size() - i));
        found = halving.advance(these, these.back().at);
    }
    if (!found && !halving.finish()) return std::nullopt;
    while (halving.narrow()) {
    }
    return halving.result();
}

/// One change that keeps the cluster and may or may not show.
Scenario changed(Random& random, Scenario scenario) {
    PoolSpec& pool = scenario.pools.back();
    switch (random.below(4)) {
        case 0: pool.batching.max_batched_tokens = Tokens(between(random, 16, 600)); break;
        case 1: pool.kv.num_blocks = *pool.kv.num_blocks + between(random, 1, 40); break;
        case 2: scenario.transfer.latency += Duration(between(random, 0, 3)); break;
        default: pool.router = static_cast<RouterKind>(random.below(9)); break;
    }
    return scenario;
}

// What the search finds is what comparing all events one by one finds.
TEST(DifferenceSearch, finds_the_event_that_a_linear_scan_finds) {
    int different = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed ^ 0xd1ff);
        const Scenario a = random_scenario(random);
        const Scenario b = changed(random, a);
        if (!compile(b)) continue;
        const std::vector<Arrival> arrivals = random_trace(random);
        const auto of_a = all_events(a, arrivals);
        const auto of_b = all_events(b, arrivals);
        const auto [in_a, in_b] = std::mismatch(of_a.begin(), of_a.end(), of_b.begin(), of_b.end());
        const auto found = search(a, b, arrivals, 1 + random.below(20));
        ASSERT_EQ(found.has_value(), in_a != of_a.end() || in_b != of_b.end());
        if (!found) continue;
        ++different;
        const VirtualTime at = in_b == of_b.end()   ? in_a->at
                               : in_a == of_a.end() ? in_b->at
                                                    : std::min(in_a->at, in_b->at);
        ASSERT_EQ(found->at, at);
        const auto expected = [at](auto event, auto end) {
            return event != end && event->at == at ? std::optional(*event) : std::nullopt;
        };
        ASSERT_EQ(found->a.event, expected(in_a, of_a.end()));
        ASSERT_EQ(found->b.event, expected(in_b, of_b.end()));
        ASSERT_EQ(found->a.before.hash, found->b.before.hash);
    }
    EXPECT_GT(different, 50);
}

// One nanosecond of transfer latency: the first thing that differs is that the KV arrives, one nanosecond later.
TEST(DifferenceSearch, says_when_the_other_run_does_the_same) {
    const Scenario a = pd_scenario(1, 1);
    Scenario b = a;
    b.transfer.latency += Duration(1);
    std::vector<Arrival> arrivals;
    for (std::int64_t i = 0; i < 20; ++i) arrivals.push_back(arrival(i, i * 100 * k_ns_per_ms, 200, 5));
    const auto found = search(a, b, arrivals, 7);
    ASSERT_TRUE(found && found->a.event);
    EXPECT_EQ(found->a.event->kind, EventKind::decode_ready);
    EXPECT_EQ(found->a.event->sequence, 0);
    EXPECT_FALSE(found->b.event);
    EXPECT_EQ(found->b.same_later, found->at + Duration(1));
    EXPECT_EQ(search(a, a, arrivals, 7), std::nullopt);
}

}  // namespace
}  // namespace replayd::test
