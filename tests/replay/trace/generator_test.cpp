#include "replay/trace/generator.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "replay/trace/trace_reader.hpp"

namespace replayd {
namespace {

std::vector<Arrival> generated(const GeneratorOptions& options) {
    auto generator = TraceGenerator::make(options).value();
    std::vector<Arrival> arrivals;
    while (auto arrival = generator.next()) arrivals.push_back(std::move(*arrival));
    return arrivals;
}

GeneratorOptions requests(std::int64_t count, ArrivalLaw law = ArrivalLaw::poisson, double rate_per_s = 10.0) {
    GeneratorOptions options;
    options.count = count;
    options.arrivals.law = law;
    options.arrivals.rate_per_s = rate_per_s;
    return options;
}

struct Gaps {
    double mean_s = 0.0;
    double cv = 0.0;
};

Gaps gaps_of(const std::vector<Arrival>& arrivals) {
    double sum = 0.0;
    double squares = 0.0;
    for (std::size_t i = 1; i < arrivals.size(); ++i) {
        const double gap = to_seconds(arrivals[i].at - arrivals[i - 1].at);
        sum += gap;
        squares += gap * gap;
    }
    const auto count = static_cast<double>(arrivals.size() - 1);
    const double mean = sum / count;
    return {mean, std::sqrt(squares / count - mean * mean) / mean};
}

// The same seed gives the same trace, another seed another one.
TEST(TraceGenerator, depends_on_the_seed_alone) {
    auto options = requests(500);
    options.conversations.mean_turns = 3.0;
    const auto first = generated(options);
    EXPECT_EQ(first, generated(options));
    options.seed = 2;
    EXPECT_NE(first, generated(options));
}

// Every law and shape keeps the rules that a run relies on: order, ids from 0, valid fields.
TEST(TraceGenerator, makes_valid_arrivals_in_order_for_every_law) {
    for (const ArrivalLaw law : {ArrivalLaw::poisson, ArrivalLaw::gamma, ArrivalLaw::burst, ArrivalLaw::diurnal}) {
        auto options = requests(3'000, law);
        options.conversations.mean_turns = 4.0;
        options.conversations.system_tokens = 1'500;
        const auto arrivals = generated(options);
        ASSERT_EQ(arrivals.size(), 3'000U);
        for (std::size_t i = 0; i < arrivals.size(); ++i) {
            ASSERT_EQ(violation(arrivals[i]), std::nullopt);
            ASSERT_EQ(arrivals[i].id, std::to_string(i));
            if (i > 0) {
                ASSERT_LE(arrivals[i - 1].at, arrivals[i].at);
            }
        }
    }
}

// 20,000 gaps: the mean is within 3 %, about four standard errors; Poisson gaps have variation 1.
TEST(TraceGenerator, meets_rate_and_variation) {
    const Gaps poisson = gaps_of(generated(requests(20'000)));
    EXPECT_NEAR(poisson.mean_s, 0.1, 0.003);
    EXPECT_NEAR(poisson.cv, 1.0, 0.05);
    auto options = requests(20'000, ArrivalLaw::gamma);
    options.arrivals.gamma_cv = 2.5;
    const Gaps gamma = gaps_of(generated(options));
    EXPECT_NEAR(gamma.mean_s, 0.1, 0.008);
    EXPECT_NEAR(gamma.cv, 2.5, 0.25);
}

// Share of the arrivals of 20 whole periods for which `inside` holds, given the phase in [0, 1).
double share(const GeneratorOptions& base, double period_s, const std::function<bool(double)>& inside) {
    GeneratorOptions options = base;
    options.count.reset();
    options.duration = Duration(std::llround(period_s * 20.0) * k_ns_per_s);
    const auto arrivals = generated(options);
    EXPECT_NEAR(static_cast<double>(arrivals.size()), options.arrivals.rate_per_s * period_s * 20.0,
                0.05 * static_cast<double>(arrivals.size()));
    double count = 0;
    for (const Arrival& arrival : arrivals) {
        if (inside(std::fmod(to_seconds(arrival.at) / period_s, 1.0))) ++count;
    }
    return count / static_cast<double>(arrivals.size());
}

// A sixth of the time at 5 times the rate holds half of the arrivals; the mean rate stays as asked.
TEST(TraceGenerator, bursts_hold_their_share) {
    EXPECT_NEAR(share(requests(1, ArrivalLaw::burst), 60.0, [](double phase) { return phase < 1.0 / 6.0; }), 0.5, 0.02);
}

// The cosine with swing 0.8 puts 1/2 + 0.8/π = 75.5 % into the middle half of the period.
TEST(TraceGenerator, the_day_peaks_in_its_middle) {
    auto options = requests(1, ArrivalLaw::diurnal);
    options.arrivals.diurnal_period_s = 100.0;
    EXPECT_NEAR(share(options, 100.0, [](double phase) { return phase >= 0.25 && phase < 0.75; }), 0.755, 0.02);
}

// Log-normal lengths: half below the median, and never outside the bounds.
TEST(TraceGenerator, draws_log_normal_lengths_within_bounds) {
    auto options = requests(10'000);
    options.prompt = {{}, 1'000.0, 1.5, 50, 4'000};
    std::int64_t below = 0;
    std::int64_t at_most = 0;
    for (const Arrival& arrival : generated(options)) {
        ASSERT_GE(arrival.prompt.value, 50);
        ASSERT_LE(arrival.prompt.value, 4'000);
        if (arrival.prompt.value < 1'000) ++below;
        if (arrival.prompt.value == 4'000) ++at_most;
    }
    EXPECT_NEAR(static_cast<double>(below) / 10'000.0, 0.5, 0.02);
    // P(X >= 4000) = P(Z >= ln 4 / 1.5) = 17.8 %
    EXPECT_NEAR(static_cast<double>(at_most) / 10'000.0, 0.178, 0.02);
}

// Empirical lengths: only values of the list, each about as often as it is listed.
TEST(TraceGenerator, draws_empirical_lengths) {
    auto options = requests(9'000);
    options.output.samples = {7, 7, 300};
    std::map<std::int64_t, int> counts;
    for (const Arrival& arrival : generated(options)) ++counts[arrival.output.value];
    ASSERT_EQ(counts.size(), 2U);
    EXPECT_NEAR(counts[7], 6'000, 200);
    EXPECT_NEAR(counts[300], 3'000, 200);
}

// A turn's prompt is the turn before with its answer and more, so all its full blocks come again; the
// partial last block does not, because the next turn fills it.
TEST(TraceGenerator, turns_share_every_full_block_of_the_turn_before) {
    auto options = requests(2'000);
    options.conversations.mean_turns = 5.0;
    std::map<std::string, Arrival> last;
    int later_turns = 0;
    for (const Arrival& turn : generated(options)) {
        ASSERT_EQ(static_cast<std::int64_t>(turn.prefix_hashes.size()), ceil_div(turn.prompt.value, 512));
        const auto before = last.find(turn.conversation);
        if (before != last.end()) {
            ++later_turns;
            const Arrival& previous = before->second;
            ASSERT_GT(turn.prompt, previous.prompt + previous.output);
            const auto full = static_cast<std::size_t>(previous.prompt.value / 512);
            for (std::size_t i = 0; i < full; ++i) ASSERT_EQ(turn.prefix_hashes[i], previous.prefix_hashes[i]);
            if (previous.prompt.value % 512 != 0) {
                ASSERT_NE(turn.prefix_hashes[full], previous.prefix_hashes[full]);
            }
        }
        last[turn.conversation] = turn;
    }
    // With a mean of 5 turns most requests are later turns.
    EXPECT_GT(later_turns, 1'200);
}

// Different sessions share the blocks inside their common system prompt and nothing after it.
TEST(TraceGenerator, sessions_share_the_system_prompt_only) {
    auto options = requests(400);
    options.conversations.system_tokens = 1'100;  // two full blocks of 512
    options.conversations.system_prompts = 3;
    std::set<std::uint64_t> first_blocks;
    std::set<std::uint64_t> second_blocks;
    std::set<std::uint64_t> third_blocks;
    for (const Arrival& arrival : generated(options)) {
        ASSERT_GT(arrival.prompt.value, 1'100);
        first_blocks.insert(arrival.prefix_hashes[0]);
        second_blocks.insert(arrival.prefix_hashes[1]);
        third_blocks.insert(arrival.prefix_hashes[2]);
    }
    EXPECT_EQ(first_blocks.size(), 3U);
    EXPECT_EQ(second_blocks.size(), 3U);
    EXPECT_EQ(third_blocks.size(), 400U);
}

// Sessions end before they outgrow the context.
TEST(TraceGenerator, keeps_sessions_inside_the_context) {
    auto options = requests(3'000);
    options.conversations.mean_turns = 50.0;
    options.conversations.context_tokens_max = 20'000;
    for (const Arrival& arrival : generated(options)) ASSERT_LE((arrival.prompt + arrival.output).value, 20'000);
}

// Sessions are numbered from 0 in order of their start: each has its own name, and so its own hashes.
TEST(TraceGenerator, numbers_sessions_in_order_of_their_start) {
    auto options = requests(2'000);
    options.conversations.mean_turns = 3.0;
    std::set<std::string> seen;
    for (const Arrival& arrival : generated(options)) {
        if (seen.contains(arrival.conversation)) continue;
        ASSERT_EQ(arrival.conversation, "s" + std::to_string(seen.size()));
        seen.insert(arrival.conversation);
    }
    EXPECT_GT(seen.size(), 500U);
}

// With a duration alone the trace ends by time, strictly before it; with both, whichever is first.
TEST(TraceGenerator, ends_by_count_or_by_time) {
    GeneratorOptions options;
    options.arrivals.rate_per_s = 100.0;
    options.duration = Duration(10 * k_ns_per_s);
    const auto timed = generated(options);
    EXPECT_NEAR(static_cast<double>(timed.size()), 1'000.0, 130.0);
    EXPECT_LT(timed.back().at, VirtualTime(10 * k_ns_per_s));
    options.count = 10;
    EXPECT_EQ(generated(options).size(), 10U);
}

// The first arrivals do not wait for the last of ten million, and do not depend on how many follow.
TEST(TraceGenerator, is_lazy) {
    auto generator = TraceGenerator::make(requests(10'000'000)).value();
    auto few = TraceGenerator::make(requests(5)).value();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(generator.next(), few.next());
    EXPECT_TRUE(generator.next().has_value());
    EXPECT_FALSE(few.next().has_value());
}

// Options that cannot be meant are refused by name.
TEST(TraceGenerator, refuses_bad_options) {
    struct Case {
        std::function<void(GeneratorOptions&)> change;
        std::string message;
    };
    const std::vector<Case> cases = {
        {[](auto& o) { o.count.reset(); }, "count and duration are missing: expected one of them, or both"},
        {[](auto& o) { o.count = 0; }, "count is 0: expected 1 or more"},
        {[](auto& o) { o.duration = Duration(0); }, "duration_ns is 0: expected 1 to 4600000000000000000"},
        {[](auto& o) { o.arrivals.rate_per_s = 0.0; }, "rate_per_s is 0: expected 1e-06 to 1e+06"},
        {[](auto& o) { o.arrivals.rate_per_s = std::nan(""); }, "rate_per_s is nan: expected 1e-06 to 1e+06"},
        {[](auto& o) {
             o.arrivals.law = ArrivalLaw::gamma;
             o.arrivals.gamma_cv = 0.0;
         },
         "gamma_cv is 0: expected 0.01 to 100"},
        {[](auto& o) {
             o.arrivals.law = ArrivalLaw::burst;
             o.arrivals.burst_length_s = 60.0;
         },
         "burst_length_s is 60: expected 0.001 to 59.999"},
        {[](auto& o) {
             o.arrivals.law = ArrivalLaw::diurnal;
             o.arrivals.diurnal_amplitude = 1.5;
         },
         "diurnal_amplitude is 1.5: expected 0 to 1"},
        {[](auto& o) { o.prompt.samples = {5, 0}; }, "prompt.samples[1] is 0: expected 1 to 2147483647"},
        {[](auto& o) { o.output.max_tokens = 0; }, "output.max_tokens is 0: expected 1 to 2147483647"},
        {[](auto& o) { o.conversations.mean_turns = 0.5; }, "mean_turns is 0.5: expected 1 to 1000"},
        {[](auto& o) { o.conversations.context_tokens_max = 4'096; },
         "context_tokens_max is 4096: expected at least 18432, the longest system prompt, prompt and output together"},
        {[](auto& o) {
             o.count = 1'000'000'000'000;
             o.arrivals.rate_per_s = 1.0;
         },
         "count is 1000000000000: expected at most 2300000000 at rate_per_s 1, or the trace lasts over 70 years"},
    };
    for (const Case& bad : cases) {
        auto options = requests(10);
        bad.change(options);
        const auto made = TraceGenerator::make(options);
        ASSERT_FALSE(made) << bad.message;
        EXPECT_EQ(made.error().message, bad.message);
    }
    EXPECT_EQ(parse_arrival_law("gamma"), ArrivalLaw::gamma);
    EXPECT_EQ(parse_arrival_law("poison").error().message,
              "arrival law is \"poison\": expected poisson, gamma, burst or diurnal; did you mean poisson?");
}

}  // namespace
}  // namespace replayd
