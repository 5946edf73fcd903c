// --sample, --time-scale, --idle-max, --prompt-scale and --output-scale.

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
    ASSERT_TRUE(TraceShaper({.time_scale = 0.5}).shape(arrivals));
    EXPECT_EQ(seconds_of(arrivals), (std::vector<double>{100, 101, 105}));
}

TEST(TraceShaping, cuts_pauses_after_scaling_and_moves_what_follows) {
    auto arrivals = at_seconds({0, 10, 110, 112, 512});
    TraceShaper shaper({.time_scale = 2, .idle_max = Duration(30 * k_ns_per_s)});
    ASSERT_TRUE(shaper.shape(arrivals));
    EXPECT_EQ(seconds_of(arrivals), (std::vector<double>{0, 20, 50, 54, 84}));
    EXPECT_EQ(shaper.pauses_cut(), 2);
    EXPECT_EQ(shaper.cut(), Duration(940 * k_ns_per_s));
}

// Lengths are rounded and stay above 0; a hash stays where its block holds what it held; what was observed is of
// other lengths.
TEST(TraceShaping, scales_lengths) {
    Arrival arrival;
    arrival.id = "r";
    arrival.prompt = Tokens(1000);  // one whole block of 512 and a part
    arrival.output = Tokens(10);
    arrival.prefix_hashes = {7, 8};
    arrival.prefix_block = Tokens(512);
    arrival.observed_ttft = Duration(5);
    std::vector<Arrival> longer{arrival}, shorter{arrival};
    TraceShaper shaper({.prompt_scale = 1.3, .output_scale = 0.01});
    ASSERT_TRUE(shaper.shape(longer));
    EXPECT_EQ(longer[0].prompt, Tokens(1300));
    EXPECT_EQ(longer[0].output, Tokens(1));
    EXPECT_EQ(longer[0].prefix_hashes, (std::vector<std::uint64_t>{7}));
    EXPECT_FALSE(longer[0].observed_ttft);
    EXPECT_EQ(shaper.unobserved(), 1);
    ASSERT_TRUE(TraceShaper({.prompt_scale = 0.6}).shape(shorter));
    EXPECT_EQ(shorter[0].prompt, Tokens(600));
    EXPECT_EQ(shorter[0].prefix_hashes, (std::vector<std::uint64_t>{7, 8}));
    EXPECT_FALSE(violation(shorter[0]));
    ASSERT_TRUE(TraceShaper({.prompt_scale = 0.5}).shape(shorter));
    EXPECT_EQ(shorter[0].prefix_hashes, (std::vector<std::uint64_t>{7}));
}

TEST(TraceShaping, refuses_requests_that_get_too_long) {
    Arrival arrival;
    arrival.id = "r";
    arrival.prompt = Tokens(3'000'000);
    arrival.output = Tokens(1);
    std::vector<Arrival> arrivals{arrival};
    const auto shaped = TraceShaper({.prompt_scale = 1000}).shape(arrivals);
    ASSERT_FALSE(shaped);
    EXPECT_EQ(shaped.error().message.rfind(
                  "request \"r\" by --prompt-scale and --output-scale: prompt_tokens is 3000000000", 0),
              0U)
        << shaped.error().message;
}

// Pieces of any size give the arrivals that the whole gives.
TEST(TraceShaping, does_not_depend_on_how_the_trace_is_cut) {
    const ShapingOptions options{.sample = 0.6, .time_scale = 0.3, .idle_max = Duration(k_ns_per_s)};
    auto whole = at_seconds({1, 2, 3, 30, 31, 90, 91, 92, 200, 500});
    auto rest = whole;
    ASSERT_TRUE(TraceShaper(options).shape(whole));
    std::vector<Arrival> pieces;
    TraceShaper shaper(options);
    for (Arrival& arrival : rest) {
        std::vector<Arrival> piece{arrival};
        ASSERT_TRUE(shaper.shape(piece));
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
        ASSERT_TRUE(TraceShaper({.sample = 0.25, .seed = seed}).shape(kept));
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
    EXPECT_EQ(check_shaping({.prompt_scale = 0}).error().message, "--prompt-scale is 0.000000: expected 0.001 to 1000");
    EXPECT_EQ(check_shaping({.output_scale = 2000}).error().message,
              "--output-scale is 2000.000000: expected 0.001 to 1000");
    EXPECT_EQ(check_shaping({.time_scale = 0}).error().message,
              "--time-scale is 0.000000: expected 0.000001 to 1000000");
}

}  // namespace
}  // namespace replayd::ctl
