// Orders of the waiting queue, preemption by priority, and objectives per class.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "tests/replay/sim/fixture.hpp"

namespace replayd::test {
namespace {

/// One request at a time, so that the order of admission is the order of first tokens.
Scenario one_at_a_time(BatchPolicyKind policy, QueueOrder order) {
    Scenario scenario = mixed_scenario(1, 1000);
    scenario.pools[0].batching.policy = policy;
    scenario.pools[0].batching.queue = order;
    scenario.pools[0].batching.max_sequences = 1;
    scenario.pools[0].max_context = Tokens(4000);
    scenario.slo_classes = {{"fast", 0, {}}, {"batch", 5, {}}, {"default", 6, {}}};
    return scenario;
}

Arrival of_class(Arrival made, std::string slo_class) {
    made.slo_class = std::move(slo_class);
    return made;
}

/// While r0 is served, the others arrive.
std::vector<Arrival> queue_of_five() {
    return {of_class(arrival(0, 0, 100, 5), "batch"),          of_class(arrival(1, 1000, 300, 2), "batch"),
            of_class(arrival(2, 2000, 200, 2), "nobody knows"), of_class(arrival(3, 3000, 400, 2), "fast"),
            of_class(arrival(4, 4000, 200, 2), "batch"),        of_class(arrival(5, 5000, 900, 2), "fast")};
}

std::vector<std::string> order_of_first_tokens(const Outcomes& out) {
    std::vector<RequestRecord> records = out.sink.requests;
    std::sort(records.begin(), records.end(),
              [](const RequestRecord& a, const RequestRecord& b) { return a.first_token < b.first_token; });
    std::vector<std::string> ids;
    for (const RequestRecord& record : records) ids.push_back(record.id);
    return ids;
}

// Each policy looks at the head of the queue, so each order holds under each policy. A class that nobody declared is
// the default one, here the last; equal ranks go by arrival.
TEST(QueueOrder, decides_who_is_admitted_next_under_every_policy) {
    using Ids = std::vector<std::string>;
    for (const BatchPolicyKind policy : {BatchPolicyKind::vllm_v1, BatchPolicyKind::vllm, BatchPolicyKind::sarathi,
                                         BatchPolicyKind::orca, BatchPolicyKind::faster_transformer}) {
        const auto order = [&](QueueOrder queue) {
            return order_of_first_tokens(replay(one_at_a_time(policy, queue), queue_of_five()));
        };
        EXPECT_EQ(order(QueueOrder::fcfs), (Ids{"r0", "r1", "r2", "r3", "r4", "r5"}));
        EXPECT_EQ(order(QueueOrder::priority), (Ids{"r0", "r3", "r5", "r1", "r4", "r2"}));
        EXPECT_EQ(order(QueueOrder::shortest_prompt), (Ids{"r0", "r2", "r4", "r1", "r3", "r5"}));
    }
}

// r0 decodes alone in a stretch of steps while r1 waits for blocks. r2 fits and comes to the head of the queue: it is
// admitted at the end of the step under way, 5.1 ms long, and not when r0 has finished.
TEST(QueueOrder, a_new_head_of_the_queue_interrupts_a_decode_stretch) {
    Scenario scenario = mixed_scenario(1, 20);
    scenario.pools[0].batching.queue = QueueOrder::shortest_prompt;
    const Outcomes out = replay(scenario, {arrival(0, 0, 100, 50), arrival(1, 1000, 300, 2),
                                           arrival(2, 40 * k_ns_per_ms, 30, 2)});
    const auto of = [&](const char* id) {
        return *std::find_if(out.sink.requests.begin(), out.sink.requests.end(),
                             [&](const RequestRecord& record) { return record.id == id; });
    };
    EXPECT_LE(of("r2").queue().value, 5'100'000);
    EXPECT_GE(of("r1").scheduled, of("r0").finished);
}

/// Room for ten blocks of 16 tokens: two requests of 64 tokens that decode on cannot both stay.
Scenario tight(QueueOrder order) {
    Scenario scenario = mixed_scenario(1, 10);
    scenario.pools[0].batching.queue = order;
    scenario.slo_classes = {{"fast", 0, {}}, {"batch", 5, {}}, {"default", 6, {}}};
    return scenario;
}

// vLLM's priority policy: the running request with the lowest priority goes, although it was admitted first and is in
// the batch already when the block is missed; among equals the latest. First come first served evicts the last.
TEST(QueueOrder, priority_decides_who_is_preempted) {
    const std::vector<Arrival> arrivals = {of_class(arrival(0, 0, 64, 60), "batch"),
                                           of_class(arrival(1, 1000, 64, 60), "fast")};
    const auto preemptions = [&](QueueOrder order, std::vector<Arrival> trace) {
        const Outcomes out = replay(tight(order), trace);
        std::array<std::int32_t, 2> counts{};
        for (const RequestRecord& record : out.sink.requests) {
            counts[static_cast<std::size_t>(record.sequence)] = record.preemptions;
        }
        return counts;
    };
    EXPECT_EQ(preemptions(QueueOrder::fcfs, arrivals), (std::array<std::int32_t, 2>{0, 1}));
    EXPECT_EQ(preemptions(QueueOrder::priority, arrivals), (std::array<std::int32_t, 2>{1, 0}));
    std::vector<Arrival> equals = arrivals;
    equals[0].slo_class = "fast";
    EXPECT_EQ(preemptions(QueueOrder::priority, equals), (std::array<std::int32_t, 2>{0, 1}));
}

// A preempted request has no privilege over a class before its own: r2, which came later, is admitted first.
TEST(QueueOrder, a_preempted_request_waits_by_its_priority) {
    const std::vector<Arrival> arrivals = {of_class(arrival(0, 0, 64, 60), "batch"),
                                           of_class(arrival(1, 1000, 64, 60), "fast"),
                                           of_class(arrival(2, 2000, 120, 2), "fast")};
    const Outcomes out = replay(tight(QueueOrder::priority), arrivals);
    ASSERT_EQ(out.sink.requests.size(), 3);
    EXPECT_EQ(out.sink.requests.back().id, "r0");
    EXPECT_GT(out.sink.requests.back().preemptions, 0);
}

// "fast" wants 6 ms, its requests take 10 ms for their first token; all others may take any time.
TEST(SloClasses, each_request_is_measured_by_its_own_class) {
    Scenario scenario = mixed_scenario();
    const auto ms = [](std::int64_t count) { return Duration(count * k_ns_per_ms); };
    scenario.slo = {ms(6), {}};
    const std::vector<Arrival> arrivals = {
        of_class(arrival(0, 0, 100, 1), "fast"), of_class(arrival(1, k_ns_per_s, 100, 1), ""),
        of_class(arrival(2, 2 * k_ns_per_s, 100, 1), "mystery"), of_class(arrival(3, 3 * k_ns_per_s, 100, 1), "batch")};
    const Outcomes without = replay(scenario, arrivals);
    ASSERT_EQ(without.sink.windows.size(), 1);
    EXPECT_EQ(without.sink.windows[0].within_slo, 0);
    EXPECT_TRUE(without.sink.windows[0].slo_classes.empty());

    scenario.slo_classes = {{"fast", 0, {ms(6), {}}}, {"batch", 0, {}}, {"default", 1, {ms(20), {}}}};
    const Outcomes with = replay(scenario, arrivals);
    ASSERT_EQ(with.sink.windows.size(), 1);
    EXPECT_EQ(with.sink.windows[0].within_slo, 3);
    EXPECT_EQ(with.sink.windows[0].slo_classes, (std::vector<SloClassWindow>{{1, 0}, {1, 1}, {2, 2}}));
}

// A fork that orders its queue by priority sorts those who wait already.
TEST(QueueOrder, a_fork_may_change_it) {
    KeepingSink sink;
    replayd::Run run(compiled(one_at_a_time(BatchPolicyKind::vllm_v1, QueueOrder::fcfs)), sink);
    for (const Arrival& next : queue_of_five()) run.offer(next);
    run.advance(VirtualTime(10'000));
    Outcomes out;
    auto fork = run.fork(compiled(one_at_a_time(BatchPolicyKind::vllm_v1, QueueOrder::priority)), out.sink);
    ASSERT_TRUE(fork) << fork.error().message;
    fork->finish();
    EXPECT_EQ(order_of_first_tokens(out), (std::vector<std::string>{"r0", "r3", "r5", "r1", "r4", "r2"}));

    Scenario renamed = one_at_a_time(BatchPolicyKind::vllm_v1, QueueOrder::fcfs);
    renamed.slo_classes[0].name = "quick";
    const auto refused = run.fork(compiled(renamed), out.sink);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "slo_class: expected the same names in the changed scenario");
}

}  // namespace
}  // namespace replayd::test
