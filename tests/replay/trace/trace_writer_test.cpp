#include "replay/trace/trace_writer.hpp"

#include <gtest/gtest.h>

#include "replay/trace/generator.hpp"
#include "tests/replay/trace/trace_text.hpp"

namespace replayd {
namespace {

constexpr TraceFormat k_all[] = {TraceFormat::azure, TraceFormat::mooncake, TraceFormat::burstgpt, TraceFormat::vidur,
                                 TraceFormat::vllm,  TraceFormat::aiperf,   TraceFormat::replayd};

std::string written(TraceFormat format, const std::vector<Arrival>& arrivals) {
    TraceWriter writer(format);
    std::string text;
    for (const Arrival& arrival : arrivals) {
        const auto state = writer.write(arrival, text);
        EXPECT_TRUE(state) << state.error().message;
    }
    return text;
}

// Arrivals with every field in use on some of them.
std::vector<Arrival> rich_arrivals(std::uint64_t seed, std::int64_t count) {
    GeneratorOptions options;
    options.seed = seed;
    options.count = count;
    options.conversations.mean_turns = 3.0;
    options.conversations.system_tokens = 600;
    options.model = "m, \"x\"";
    auto generator = TraceGenerator::make(options).value();
    Random random(seed);
    std::vector<Arrival> arrivals;
    while (auto arrival = generator.next()) {
        if (random.below(2) == 0) {
            arrival->observed_ttft = Duration(static_cast<std::int64_t>(random.below(5'000'000'000)));
        }
        if (random.below(2) == 0) {
            arrival->observed_e2e = Duration(static_cast<std::int64_t>(random.below(50'000'000'000)));
        }
        if (random.below(2) == 0) {
            arrival->observed_tpot = Duration(static_cast<std::int64_t>(random.below(50'000'000)));
        }
        if (random.below(2) == 0) arrival->observed_cached = Tokens(static_cast<std::int64_t>(random.below(3)) * 8);
        if (random.below(4) == 0) arrival->slo_class = "gold";
        arrivals.push_back(std::move(*arrival));
    }
    return arrivals;
}

// What is left of `arrival` in a file of `format`, whose first arrival is at `first`.
Arrival held_by(TraceFormat format, const Arrival& arrival, VirtualTime first) {
    Arrival held;
    held.id = arrival.id;
    held.at = arrival.at;
    held.prompt = arrival.prompt;
    held.output = arrival.output;
    const auto prefix = [&] {
        held.prefix_hashes = arrival.prefix_hashes;
        held.prefix_block = arrival.prefix_block;
    };
    switch (format) {
        case TraceFormat::azure: held.at = VirtualTime((arrival.at - first).value); break;
        case TraceFormat::mooncake: prefix(); break;
        case TraceFormat::burstgpt:
            held.conversation = arrival.conversation;
            held.model = arrival.model;
            held.observed_e2e = arrival.observed_e2e;
            break;
        case TraceFormat::vidur: break;
        case TraceFormat::vllm:
            held.at = VirtualTime((arrival.at - first).value);
            held.observed_ttft = arrival.observed_ttft;
            held.observed_e2e = arrival.observed_e2e;
            break;
        case TraceFormat::aiperf:
            prefix();
            held.conversation = arrival.conversation;
            break;
        case TraceFormat::replayd: return arrival;
        case TraceFormat::dynamo: ADD_FAILURE() << "it is only read"; break;
    }
    return held;
}

TEST(TraceWriter, refuses_a_format_that_is_only_read) {
    for (const TraceFormat format : k_all) EXPECT_TRUE(TraceWriter::check(format)) << traits(format).name;
    const auto refused = TraceWriter::check(TraceFormat::dynamo);
    ASSERT_FALSE(refused);
    EXPECT_EQ(
        refused.error().message,
        "format is \"dynamo\", which is only read: expected azure, mooncake, burstgpt, vidur, vllm, aiperf or replayd");
}

// Generator, writer, reader with detection: the same arrivals, to the nanosecond, as far as the format goes.
TEST(TraceWriter, round_trips_through_every_format) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        const auto arrivals = rich_arrivals(seed, 300);
        for (const TraceFormat format : k_all) {
            const auto read = read_text(written(format, arrivals));
            EXPECT_EQ(read.error, "");
            EXPECT_EQ(read.format, format) << traits(format).name << " seed " << seed;
            std::vector<Arrival> expected;
            for (const Arrival& arrival : arrivals) expected.push_back(held_by(format, arrival, arrivals.front().at));
            EXPECT_EQ(read.arrivals, expected) << traits(format).name << " seed " << seed;
            EXPECT_TRUE(read.stats.ignored_fields.empty()) << traits(format).name;
        }
    }
}

// Any cut of the bytes, one byte at a time included, gives the same arrivals: of every format.
TEST(TraceReader, does_not_depend_on_how_the_bytes_are_cut) {
    const auto arrivals = rich_arrivals(9, 60);
    Random random(9);
    for (const TraceFormat format : k_all) {
        const std::string text = written(format, arrivals);
        const auto whole = read_text(text);
        ASSERT_EQ(whole.arrivals.size(), 60U);
        for (const std::size_t chunk : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{1'000}}) {
            EXPECT_EQ(read_text(text, {}, chunk).arrivals, whole.arrivals) << traits(format).name << " by " << chunk;
        }
        for (int round = 0; round < 20; ++round) {
            TraceReader reader{TraceOptions{}};
            std::vector<Arrival> out;
            std::string_view rest = text;
            while (!rest.empty()) {
                const std::string_view chunk = rest.substr(0, 1 + random.below(500));
                ASSERT_TRUE(reader.feed(chunk, out));
                rest.remove_prefix(chunk.size());
            }
            ASSERT_TRUE(reader.finish(out));
            ASSERT_EQ(out, whole.arrivals) << traits(format).name << " round " << round;
        }
    }
}

// An error names the same line wherever the chunks were cut.
TEST(TraceReader, does_not_depend_on_how_broken_bytes_are_cut) {
    std::string text = written(TraceFormat::mooncake, rich_arrivals(4, 30));
    const std::size_t middle = text.find("timestamp", text.size() / 2);
    text.replace(middle, 4, "tame");
    const auto whole = read_text(text);
    ASSERT_NE(whole.error, "");
    for (std::size_t chunk = 1; chunk < 300; chunk += 13) {
        const auto cut = read_text(text, {}, chunk);
        EXPECT_EQ(cut.error, whole.error) << chunk;
        EXPECT_EQ(cut.arrivals, whole.arrivals) << chunk;
    }
}

// Random damage of single bytes ends in arrivals or in a message with file and line, never in anything else.
TEST(TraceReader, survives_random_damage) {
    const auto arrivals = rich_arrivals(5, 20);
    Random random(5);
    for (const TraceFormat format : k_all) {
        const std::string text = written(format, arrivals);
        for (int round = 0; round < 300; ++round) {
            std::string damaged = text;
            for (std::uint64_t i = 0; i <= random.below(3); ++i) {
                damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
            }
            const auto read = read_text(damaged);
            EXPECT_TRUE(read.error.empty() || read.error.starts_with("t:")) << read.error;
            for (const Arrival& arrival : read.arrivals) ASSERT_EQ(violation(arrival), std::nullopt);
        }
    }
}

// The published look of a format, so that other tools read what we write.
TEST(TraceWriter, looks_like_the_original) {
    Arrival arrival;
    arrival.id = "7";
    arrival.at = VirtualTime(1'500'000'000);
    arrival.prompt = Tokens(600);
    arrival.output = Tokens(5);
    arrival.prefix_hashes = {0, 46};
    arrival.prefix_block = Tokens(512);
    EXPECT_EQ(written(TraceFormat::azure, {arrival}),
              "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2024-01-01 00:00:01.5000000,600,5\r\n");
    EXPECT_EQ(written(TraceFormat::mooncake, {arrival}),
              "{\"timestamp\": 1500, \"input_length\": 600, \"output_length\": 5, \"hash_ids\": [0, 46]}\n");
    EXPECT_EQ(written(TraceFormat::burstgpt, {arrival}),
              "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
              "1.5,,,,600,5,605,API log\n");
    EXPECT_EQ(written(TraceFormat::vidur, {arrival}), "arrived_at,num_prefill_tokens,num_decode_tokens\n1.5,600,5\n");
    EXPECT_EQ(written(TraceFormat::vllm, {arrival}),
              "{\"request_id\": \"7\", \"input_toks\": 600, \"output_toks\": 5, \"arrival_time\": 1.5}\n");
    EXPECT_EQ(
        written(TraceFormat::replayd, {arrival}),
        "{\"id\": \"7\", \"arrival_ns\": 1500000000, \"prompt_tokens\": 600, \"output_tokens\": 5, \"prefix_hashes\": "
        "[0, 46], \"prefix_block_tokens\": 512}\n");
}

// Hashes of another block size would be read as 512-token blocks: they are left out.
TEST(TraceWriter, leaves_out_hashes_of_another_block_size) {
    Arrival arrival;
    arrival.id = "0";
    arrival.prompt = Tokens(20);
    arrival.output = Tokens(1);
    arrival.prefix_hashes = {1, 2};
    arrival.prefix_block = Tokens(16);
    EXPECT_EQ(written(TraceFormat::mooncake, {arrival}),
              "{\"timestamp\": 0, \"input_length\": 20, \"output_length\": 1}\n");
}

// Text that a line-based format cannot hold is an error, and leaves nothing half-written.
TEST(TraceWriter, refuses_what_a_format_cannot_express) {
    Arrival arrival;
    arrival.id = "a";
    arrival.prompt = Tokens(1);
    arrival.output = Tokens(1);
    arrival.model = "two\nlines";
    std::string out = "before";
    TraceWriter csv(TraceFormat::burstgpt);
    EXPECT_EQ(csv.write(arrival, out).error().message,
              "request \"a\": Model \"two\\x0alines\" holds a line break: expected text that fits into one CSV line");
    TraceWriter azure(TraceFormat::azure);
    arrival.at = VirtualTime(9'000'000'000'000'000'000);
    EXPECT_EQ(
        azure.write(arrival, out).error().message,
        "request \"a\": arrival_ns is 9000000000000000000: expected at most 5361120000000000000 for calendar stamps");
    arrival.output = Tokens(0);
    TraceWriter ours(TraceFormat::replayd);
    EXPECT_EQ(ours.write(arrival, out).error().message, "request \"a\": output_tokens is 0: expected 1 to 2147483647");
    EXPECT_EQ(out, "before");
}

}  // namespace
}  // namespace replayd
