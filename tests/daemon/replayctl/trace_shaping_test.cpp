// --sample, --time-scale and --idle-max.

#include "daemon/replayctl/trace_shaping.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace replayd::ctl {
namespace {

std::vector<Arrival> at_seconds(const std::vector<std::int64_t>& seconds) {
    std::vector<Arrival> arrivals(seconds.size());
    for (std::size_t i = 0; i < seconds.size(); ++i) {
        arrivals[i].id = "r" + std::to_string(i);
        arrivals[i].at = VirtualTime(seconds[i] * k_ns_per_s);
    }
    return arrivals;
}

std::vector<double> seconds_of(const std::vector<Arrival>& arrivals) {
    std::vector<double> seconds;
    for (const Arrival& arrival : arrivals) seconds.push_back(to_seconds(arrival.at));
    return seconds;
}

TEST(TraceShaping, scales_times_from_the_first_arrival_on) {
    auto arrivals = at_seconds({100, 102, 110});
    TraceShaper({.time_scale = 0.5}).shape(arrivals);
    EXPECT_EQ(seconds_of(arrivals), (std::vector<double>{100, 101, 105}));
}

TEST(TraceShaping, cuts_pauses_after_scaling_and_moves_what_follows) {
    auto arrivals = at_seconds({0, 10, 110, 112, 512});
    TraceShaper shaper({.time_scale = 2, .idle_max = Duration(30 * k_ns_per_s)});
    shaper.shape(arrivals);
    EXPECT_EQ(seconds_of(arrivals), (std::vector<double>{0, 20, 50, 54, 84}));
    EXPECT_EQ(shaper.pauses_cut(), 2);
    EXPECT_EQ(shaper.cut(), Duration(940 * k_ns_per_s));
}

// Pieces of any size give the arrivals that the whole gives.
TEST(TraceShaping, does_not_depend_on_how_the_trace_is_cut) {
    const ShapingOptions options{.sample = 0.6, .time_scale = 0.3, .idle_max = Duration(k_ns_per_s)};
    auto whole = at_seconds({1, 2, 3, 30, 31, 90, 91, 92, 200, 500});
    auto rest = whole;
    TraceShaper(options).shape(whole);
    std::vector<Arrival> pieces;
    TraceShaper shaper(options);
    for (Arrival& arrival : rest) {
        std::vector<Arrival> piece{arrival};
        shaper.shape(piece);
        pieces.insert(pieces.end(), piece.begin(), piece.end());
    }
    EXPECT_EQ(pieces, whole);
}

TEST(TraceShaping, samples_whole_conversations_about_as_many_as_wanted) {
    std::vector<Arrival> arrivals;
    for (int turn = 0; turn < 3; ++turn) {
        for (int talk = 0; talk < 2000; ++talk) {
            Arrival arrival;
            arrival.id = std::to_string(talk) + "/" + std::to_string(turn);
            arrival.conversation = "talk-" + std::to_string(talk);
            arrivals.push_back(arrival);
        }
    }
    std::set<std::set<std::string>> choices;
    for (const std::uint64_t seed : {1, 2}) {
        auto kept = arrivals;
        TraceShaper({.sample = 0.25, .seed = seed}).shape(kept);
        std::map<std::string, int> turns;
        for (const Arrival& arrival : kept) ++turns[arrival.conversation];
        std::set<std::string> talks;
        for (const auto& [talk, count] : turns) {
            EXPECT_EQ(count, 3) << talk;
            talks.insert(talk);
        }
        // Binomial: 500, five standard deviations are 97.
        EXPECT_NEAR(static_cast<double>(talks.size()), 500, 97);
        choices.insert(talks);
    }
    EXPECT_EQ(choices.size(), 2U);
}

TEST(TraceShaping, out_of_range_is_refused_by_name) {
    EXPECT_EQ(check_shaping({.sample = 0}).error().message, "--sample is 0.000000: expected more than 0, at most 1");
    EXPECT_EQ(check_shaping({.sample = 1.5}).error().message, "--sample is 1.500000: expected more than 0, at most 1");
    EXPECT_EQ(check_shaping({.time_scale = 0}).error().message, "--time-scale is 0.000000: expected 0.000001 to 1000000");
}

}  // namespace
}  // namespace replayd::ctl
