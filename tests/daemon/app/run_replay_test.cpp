// Runs rebuilt from a log, from its beginning and from checkpoints.

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

#include "daemon/stream/checkpoints.hpp"
#include "daemon/stream/run_replay.hpp"
#include "harness.hpp"
#include "replay/sim/no_sink.hpp"

namespace replayd::test {
namespace {

std::shared_ptr<const CompiledScenario> compiled(const LinearCluster& cluster) {
    return compile(*parse_scenario(to_toml(cluster), "test")).value();
}

/// A log in memory, in batches of 100.
class MemoryFeed final : public stream::BatchFeed {
public:
    explicit MemoryFeed(const std::vector<Arrival>& arrivals) {
        for (std::size_t i = 0; i < arrivals.size(); i += 100) {
            const auto from = arrivals.begin() + static_cast<std::ptrdiff_t>(i);
            const auto to = arrivals.begin() + static_cast<std::ptrdiff_t>(std::min(i + 100, arrivals.size()));
            auto batch = std::make_shared<const std::vector<Arrival>>(from, to);
            const VirtualTime watermark = batch->back().at;
            batches_.push_back({batches_.size() + 1, std::move(batch), watermark});
        }
    }
    Result<std::vector<stream::FeedBatch>> fetch(std::uint64_t seq) override {
        if (seq > batches_.size()) return std::vector<stream::FeedBatch>();
        return std::vector{batches_[seq - 1]};
    }
    bool ends_with(std::uint64_t seq) override { return seq == batches_.size(); }

private:
    std::vector<stream::FeedBatch> batches_;
};

// From any checkpoint a replay comes to the same state as from the beginning.
TEST(RunReplay, goes_on_from_checkpoints) {
    const auto arrivals = synthetic_arrivals(900);
    MemoryFeed feed(arrivals);
    stream::RunIdentity identity;
    identity.compiled = compiled({.name = "slower", .step_us = 9000});
    identity.before.push_back({compiled({.name = "small"}), arrivals[500].at});
    const auto replayed_to = [&](stream::RunReplay&& replay, VirtualTime to) {
        for (;;) {
            const auto there = replay.step(to);
            if (!there) throw std::runtime_error(there.error().message);
            if (*there) return replay.checkpoint();
        }
    };
    const VirtualTime end = arrivals[890].at;
    const auto whole = replayed_to(stream::RunReplay(identity, feed), end);
    for (const std::size_t i : {0U, 99U, 100U, 250U, 500U, 501U, 880U}) {
        const auto checkpoint = replayed_to(stream::RunReplay(identity, feed), arrivals[i].at);
        EXPECT_EQ(checkpoint.at, arrivals[i].at);
        const auto from_there = replayed_to(stream::RunReplay(identity, feed, checkpoint), end);
        EXPECT_EQ(from_there.run->hash(), whole.run->hash()) << i;
        EXPECT_EQ(from_there.arrivals, whole.arrivals);
    }
}

// Few are kept, spread over the run: from any moment the nearest one behind is at most two strides away.
TEST(Checkpoints, are_few_and_spread) {
    stream::Checkpoints checkpoints;
    const auto run = std::make_shared<const replayd::Run>(compiled({.name = "small"}), no_sink());
    constexpr std::int64_t k_arrivals = 10'000'000;
    constexpr std::int64_t k_step = 512;
    for (std::int64_t arrivals = k_step; arrivals <= k_arrivals; arrivals += k_step) {
        if (checkpoints.wants(1, arrivals)) checkpoints.keep(1, {VirtualTime(arrivals), {}, arrivals, 0, run});
    }
    std::set<std::int64_t> kept;
    for (std::int64_t arrivals = k_step; arrivals <= k_arrivals; arrivals += k_step) {
        if (const auto latest = checkpoints.latest(1, VirtualTime(arrivals))) {
            EXPECT_LE(latest->at, VirtualTime(arrivals));
            kept.insert(latest->arrivals);
        }
    }
    EXPECT_LE(kept.size(), stream::Checkpoints::k_per_run_max);
    EXPECT_GE(kept.size(), stream::Checkpoints::k_per_run_max / 2);
    std::int64_t last = 0;
    for (const std::int64_t arrivals : kept) {
        EXPECT_LE(arrivals - last, k_arrivals / 4);
        last = arrivals;
    }
    EXPECT_FALSE(checkpoints.latest(2, VirtualTime(k_arrivals)));
    for (std::int64_t id = 2; id < 10; ++id) checkpoints.keep(id, {VirtualTime(1), {}, 1, 0, run});
    EXPECT_FALSE(checkpoints.latest(1, VirtualTime(k_arrivals)));  // asked for longest ago
}

}  // namespace
}  // namespace replayd::test
