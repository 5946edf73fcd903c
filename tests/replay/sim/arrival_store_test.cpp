#include "replay/sim/arrival_store.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "replay/sim/no_sink.hpp"
#include "tests/replay/sim/fixture.hpp"

namespace replayd::test {
namespace {

std::vector<Arrival> some(int from, int count) {
    std::vector<Arrival> arrivals;
    for (int i = from; i < from + count; ++i) arrivals.push_back(arrival(i, i * 10 * k_ns_per_ms, 100 + i, 1 + i % 40));
    return arrivals;
}

ArrivalBatch batch_of(int from, int count) { return std::make_shared<const std::vector<Arrival>>(some(from, count)); }

std::vector<std::string> take_all(ArrivalStore& store) {
    std::vector<std::string> ids;
    while (!store.empty()) ids.push_back(store.take().arrival->id);
    return ids;
}

std::vector<std::string> ids_of(const std::vector<Arrival>& arrivals) {
    std::vector<std::string> ids;
    for (const Arrival& each : arrivals) ids.push_back(each.id);
    return ids;
}

// Pieces of batches and single arrivals in turns, enough of these to fill more than one batch of their own.
TEST(ArrivalStore, gives_what_came_in_its_order) {
    ArrivalStore store;
    const ArrivalBatch first = batch_of(0, 10);
    store.add(first, 0, 4);
    store.add(first, 4, 6);
    for (Arrival& each : some(10, 150)) store.add(std::move(each));
    store.add(batch_of(155, 10), 5, 5);
    for (Arrival& each : some(165, 3)) store.add(std::move(each));
    EXPECT_EQ(store.front().id, first->front().id);
    EXPECT_EQ(store.back().id, "r167");
    EXPECT_EQ(take_all(store), ids_of(some(0, 168)));
}

TEST(ArrivalStore, keeps_a_batch_while_any_arrival_of_it_waits_or_is_held) {
    ArrivalStore store;
    auto batch = batch_of(0, 2);
    const std::weak_ptr<const std::vector<Arrival>> watched = batch;
    store.add(std::exchange(batch, nullptr), 0, 2);
    const HeldArrival first = store.take();
    store.give_back(first);
    EXPECT_FALSE(watched.expired());
    const HeldArrival second = store.take();
    EXPECT_FALSE(watched.expired());
    store.give_back(second);
    EXPECT_TRUE(watched.expired());
}

// A long request keeps its own batch, not those that came after it.
TEST(ArrivalStore, drops_a_batch_behind_one_that_is_in_use) {
    ArrivalStore store;
    store.add(batch_of(0, 1), 0, 1);
    auto batch = batch_of(1, 1);
    const std::weak_ptr<const std::vector<Arrival>> watched = batch;
    store.add(std::exchange(batch, nullptr), 0, 1);
    const HeldArrival first = store.take();
    store.give_back(store.take());
    EXPECT_TRUE(watched.expired());
    EXPECT_EQ(first.arrival->id, "r0");
    store.give_back(first);
    store.add(batch_of(2, 1), 0, 1);
    EXPECT_EQ(take_all(store), std::vector<std::string>{"r2"});
}

TEST(ArrivalStore, copies_go_their_own_ways) {
    ArrivalStore store;
    for (Arrival& each : some(0, 3)) store.add(std::move(each));
    ArrivalStore copy = store;
    copy.part();
    for (Arrival& each : some(10, 2)) copy.add(std::move(each));
    for (Arrival& each : some(20, 1)) store.add(std::move(each));
    EXPECT_EQ(take_all(store), (std::vector<std::string>{"r0", "r1", "r2", "r20"}));
    EXPECT_EQ(take_all(copy), (std::vector<std::string>{"r0", "r1", "r2", "r10", "r11"}));
}

// How arrivals reach a run changes nothing; neither does that two runs share them.
TEST(ArrivalStore, a_run_of_shared_arrivals_is_the_run_of_copies) {
    const ArrivalBatch batch = batch_of(0, 200);
    const auto scenario = compiled(mixed_scenario());
    replayd::Run copies(scenario, no_sink());
    for (const Arrival& each : *batch) copies.offer(each);
    copies.finish();
    replayd::Run shared(scenario, no_sink());
    shared.offer(batch, 0, 70);
    shared.advance((*batch)[69].at);
    shared.offer(batch, 70, 0);
    shared.offer(batch, 70, 130);
    replayd::Run branch = shared.fork(no_sink());
    shared.finish();
    branch.finish();
    EXPECT_EQ(shared.hash(), copies.hash());
    EXPECT_EQ(branch.hash(), copies.hash());
    EXPECT_EQ(batch.use_count(), 1);
}

}  // namespace
}  // namespace replayd::test
