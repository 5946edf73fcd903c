// What is known of the prompts of public data sets.

#include "daemon/replayctl/known_prompts.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "daemon/replayctl/vllm_run.hpp"
#include "tests/source_paths.hpp"

namespace replayd::ctl {
namespace {

std::vector<Arrival> prompts(std::initializer_list<std::int64_t> tokens) {
    std::vector<Arrival> arrivals;
    for (const std::int64_t count : tokens) {
        Arrival& arrival = arrivals.emplace_back();
        arrival.prompt = Tokens(count);
    }
    return arrivals;
}

// Prompts of other counts may share anything or nothing: no hash is made up.
TEST(KnownPrompts, unknown_prompts_stay_as_they_are) {
    auto arrivals = prompts({2'358, 1'034, 1'320});
    EXPECT_EQ(add_known_prefixes(arrivals), "");
    for (const Arrival& each : arrivals) EXPECT_TRUE(each.prefix_hashes.empty());
}

// A later turn carries the hashes of the turn before for as many blocks as they share, and its own beyond.
TEST(KnownPrompts, turns_of_a_conversation_share_their_beginning) {
    const std::string folder = REPLAYD_SOURCE_DIR "/../shared/data/vllm_runs";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
    const auto runs = read_vllm_runs(folder, Catalog::built_in()).value();
    ASSERT_FALSE(runs.empty());
    for (const VllmRun& run : runs) {
        ASSERT_NE(run.known_prompts, "") << run.name;
        std::set<std::uint64_t> seen;
        std::int64_t shared = 0;
        for (const Arrival& each : run.arrivals) {
            EXPECT_EQ(static_cast<std::int64_t>(each.prefix_hashes.size()), each.prompt.value / 16);
            for (const std::uint64_t hash : each.prefix_hashes) shared += seen.insert(hash).second ? 0 : 1;
        }
        EXPECT_GT(shared, 1'200) << run.name;
        const auto& first = run.arrivals[40].prefix_hashes;
        const auto& later = run.arrivals[47].prefix_hashes;
        EXPECT_TRUE(std::equal(first.begin(), first.begin() + 28, later.begin()));
        EXPECT_NE(first[30], later[30]);
    }
    auto again = runs.front().arrivals;
    EXPECT_EQ(add_known_prefixes(again), "") << "arrivals with hashes keep them";
}

}  // namespace
}  // namespace replayd::ctl
