#include "replay/trace/trace_reader.hpp"

#include <gtest/gtest.h>

#include "tests/replay/trace/trace_text.hpp"

namespace replayd {
namespace {

Arrival arrival(std::string id, std::int64_t at_ns, std::int64_t prompt, std::int64_t output) {
    Arrival made;
    made.id = std::move(id);
    made.at = VirtualTime(at_ns);
    made.prompt = Tokens(prompt);
    made.output = Tokens(output);
    return made;
}

void expect_read(const ReadTrace& read, TraceFormat format, const std::vector<Arrival>& expected) {
    EXPECT_EQ(read.error, "");
    EXPECT_EQ(read.format, format);
    EXPECT_EQ(read.arrivals, expected);
}

// CRLF, 100 ns ticks, no line end at the end: byte for byte as published. The first row is virtual time 0.
TEST(TraceReader, reads_azure_2023) {
    expect_read(read_text("TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
                          "2023-11-16 18:15:46.6805900,374,44\r\n"
                          "2023-11-16 18:15:50.9951690,396,109"),
                TraceFormat::azure, {arrival("0", 0, 374, 44), arrival("1", 4'314'579'000, 396, 109)});
}

// The text form of the 2024 stamps is not known: fewer digits, none, and zones must all do.
TEST(TraceReader, reads_azure_2024_in_any_time_form) {
    expect_read(read_text("TIMESTAMP,ContextTokens,GeneratedTokens\n"
                          "2024-05-10 00:00:00+00:00,10,1\n"
                          "2024-05-10 00:00:00.009930+00:00,20,2\n"
                          "2024-05-10T02:00:01.5+02:00,30,3\n"),
                TraceFormat::azure,
                {arrival("0", 0, 10, 1), arrival("1", 9'930'000, 20, 2), arrival("2", 1'500'000'000, 30, 3)});
}

// The multimodal traces of 2025 have one column more, which an arrival has no place for: said, not hidden.
TEST(TraceReader, reports_columns_that_it_passes_over) {
    const auto read = read_text("TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n2024-10-15 00:00:00,3,10,1\n");
    expect_read(read, TraceFormat::azure, {arrival("0", 0, 10, 1)});
    EXPECT_EQ(read.stats.ignored_fields, std::vector<std::string>{"NumImages"});
}

// Milliseconds from the start; the last block is partial; a missing hash_ids means no prefix knowledge.
TEST(TraceReader, reads_mooncake) {
    auto first = arrival("0", 0, 600, 5);
    first.prefix_hashes = {0, 46};
    first.prefix_block = Tokens(512);
    expect_read(read_text("{\"timestamp\": 0, \"input_length\": 600, \"output_length\": 5, \"hash_ids\": [0, 46]}\n"
                          "{\"timestamp\": 3052, \"input_length\": 7, \"output_length\": 1}\n"),
                TraceFormat::mooncake, {first, arrival("1", 3'052'000'000, 7, 1)});
}

// Exact thirds of a millisecond, an exponent, and keys in another order.
TEST(TraceReader, reads_fractional_milliseconds) {
    expect_read(read_text("{\"output_length\":1,\"input_length\":2,\"timestamp\":0.333333}\n"
                          "{\"output_length\":1,\"timestamp\":1.5e1,\"input_length\":2}\n"),
                TraceFormat::mooncake, {arrival("0", 333'333, 2, 1), arrival("1", 15'000'000, 2, 1)});
}

// Alibaba's Bailian traces: seconds, blocks of 16, and members of their own.
TEST(TraceReader, reads_other_units_and_blocks_when_told) {
    TraceOptions options;
    options.time_unit = TimeUnit::seconds;
    options.prefix_block = Tokens(16);
    auto expected = arrival("0", 61'114'000'000, 17, 3);
    expected.prefix_hashes = {8, 9};
    expected.prefix_block = Tokens(16);
    const auto read = read_text(
        "{\"chat_id\": 159, \"parent_chat_id\": -1, \"timestamp\": 61.114, \"input_length\": 17, "
        "\"output_length\": 3, \"type\": \"text\", \"turn\": 1, \"hash_ids\": [8, 9]}\n",
        options);
    expect_read(read, TraceFormat::mooncake, {expected});
    EXPECT_EQ(read.stats.ignored_fields, (std::vector<std::string>{"chat_id", "parent_chat_id", "type", "turn"}));
}

// Columns by name, in any order; the newer files have sessions and elapsed times, the older do not.
TEST(TraceReader, reads_burstgpt_by_header_names) {
    expect_read(read_text("Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
                          "5,ChatGPT,472,18,490,Conversation log\n"),
                TraceFormat::burstgpt, {[] {
                    auto row = arrival("0", 5'000'000'000, 472, 18);
                    row.model = "ChatGPT";
                    return row;
                }()});
    auto with_session = arrival("0", 5'500'000'000, 10, 2);
    with_session.model = "GPT-4";
    with_session.conversation = "42";
    with_session.observed_e2e = Duration(1'250'000'000);
    auto api = arrival("1", 6'000'000'000, 11, 3);
    api.model = "GPT-4";
    expect_read(read_text("Log Type,Response tokens,Request tokens,Model,Elapsed time,Session ID,Timestamp\n"
                          "Conversation log,2,10,GPT-4,1.25,42,5.5\n"
                          "API log,3,11,GPT-4,,,6\n"),
                TraceFormat::burstgpt, {with_session, api});
}

// Ids stay the row's number in the file, so that a skipped row leaves a gap that can be looked up.
TEST(TraceReader, skips_and_counts_failed_rows_only_when_asked) {
    const std::string_view text =
        "Timestamp,Model,Request tokens,Response tokens\n1,m,10,0\n2,m,10,4\n3,m,10,0\n4,m,10,5\n";
    EXPECT_EQ(
        read_text(text).error,
        "t:2: Response tokens is \"0\": expected a whole number, 1 to 2147483647 (0 marks a request that failed: the "
        "option skip_failed_rows leaves such rows out)");
    TraceOptions options;
    options.skip_failed_rows = true;
    const auto read = read_text(text, options);
    EXPECT_EQ(read.error, "");
    ASSERT_EQ(read.arrivals.size(), 2U);
    EXPECT_EQ(read.arrivals[0].id, "1");
    EXPECT_EQ(read.arrivals[1].id, "3");
    EXPECT_EQ(read.stats.rows, 4);
    EXPECT_EQ(read.stats.failed_rows_skipped, 2);
}

TEST(TraceReader, reads_vidur) {
    expect_read(read_text("arrived_at,num_prefill_tokens,num_decode_tokens\n0.0,100,10\n5e-05,200,20\n1.25,1,1\n"),
                TraceFormat::vidur,
                {arrival("0", 0, 100, 10), arrival("1", 50'000, 200, 20), arrival("2", 1'250'000'000, 1, 1)});
}

// A server logs requests as they end, so the file is sorted; observed times start when the server queued
// the request, which is how vLLM itself counts them.
TEST(TraceReader, reads_and_sorts_vllm_requests) {
    auto early = arrival("b", 0, 20, 2);
    auto late = arrival("a", 1'000'000'100, 10, 1);
    early.observed_ttft = Duration(500'000'000);
    early.observed_e2e = Duration(2'500'000'000);
    expect_read(
        read_text(
            "{\"request_id\": \"a\", \"input_toks\": 10, \"output_toks\": 1, \"arrival_time\": 1787267981.0000002}\n"
            "{\"request_id\": \"b\", \"input_toks\": 20, \"output_toks\": 2, \"arrival_time\": 1787267980.0000001, "
            "\"queued_ts\": 7.5, \"scheduled_ts\": 7.6, \"first_token_ts\": 8.0, \"last_token_ts\": 10}\n"),
        TraceFormat::vllm, {early, late});
}

// Dynamo's aliases, and later turns of a session by their delay after the turn before.
TEST(TraceReader, reads_aiperf_sessions) {
    auto a0 = arrival("0", 1'000'000'000, 10, 1);
    auto b0 = arrival("1", 1'500'000'000, 30, 3);
    auto a1 = arrival("2", 1'250'500'000, 20, 2);
    a0.conversation = a1.conversation = "a";
    b0.conversation = "7";
    expect_read(
        read_text("{\"session_id\": \"a\", \"created_time\": 1000, \"input_tokens\": 10, \"output_tokens\": 1}\n"
                  "{\"session_id\": 7, \"timestamp\": 1500.0, \"input_length\": 30, \"output_length\": 3}\n"
                  "{\"session_id\": \"a\", \"delay_ms\": 250.5, \"input_length\": 20, \"output_length\": 2}\n"),
        TraceFormat::aiperf, {a0, a1, b0});
}

// Equal times keep the order of the file.
TEST(TraceReader, sorts_stably) {
    TraceOptions options = as(TraceFormat::vidur);
    options.sort = true;
    const auto read =
        read_text("arrived_at,num_prefill_tokens,num_decode_tokens\n2,1,1\n1,1,1\n2,1,1\n1,1,1\n", options);
    ASSERT_EQ(read.arrivals.size(), 4U);
    std::string order;
    for (const Arrival& each : read.arrivals) order += each.id;
    EXPECT_EQ(order, "1302");
}

// Every member, with hashes beyond 2^53 and text that needs escapes; protobuf's JSON quotes 64-bit numbers.
TEST(TraceReader, reads_every_member_of_our_own_format) {
    Arrival expected = arrival("r \"1\"\n\xC3\xA9\xF0\x9F\x98\x80", 9'223'372'036'854'775'807, 33, 4);
    expected.conversation = "c";
    expected.prefix_hashes = {18'446'744'073'709'551'615U, 0, 9'007'199'254'740'993};
    expected.prefix_block = Tokens(16);
    expected.slo_class = "gold";
    expected.model = "m";
    expected.observed_ttft = Duration(0);
    expected.observed_e2e = Duration(5);
    expect_read(
        read_text("{\"id\":\"r \\\"1\\\"\\n\\u00e9\\ud83d\\ude00\","
                  "\"arrival_ns\":\"9223372036854775807\",\"prompt_tokens\":33,"
                  "\"output_tokens\":\"4\",\"conversation\":\"c\",\"prefix_hashes\":[\"18446744073709551615\",0,"
                  "9007199254740993],\"prefix_block_tokens\":16,\"slo_class\":\"gold\",\"model\":\"m\","
                  "\"observed_ttft_ns\":0,\"observed_e2e_ns\":5}\n"),
        TraceFormat::replayd, {expected});
}

// Files from spreadsheets begin with a byte order mark; editors leave blank lines at the end.
TEST(TraceReader, takes_byte_order_marks_and_blank_lines) {
    expect_read(read_text("\xEF\xBB\xBF" "arrived_at,num_prefill_tokens,num_decode_tokens\r\n\r\n1,2,3\r\n\r\n  \r\n"),
                TraceFormat::vidur, {arrival("0", 1'000'000'000, 2, 3)});
}

// null stands for an absent member, and quoted CSV cells for themselves.
TEST(TraceReader, takes_null_members_and_quoted_cells) {
    expect_read(read_text("{\"timestamp\": 0, \"input_length\": 2, \"output_length\": 1, \"hash_ids\": null}\n"),
                TraceFormat::mooncake, {arrival("0", 0, 2, 1)});
    auto quoted_model = arrival("0", 1'000'000'000, 2, 1);
    quoted_model.model = "a, \"b\"";
    expect_read(read_text("\"Timestamp\", Model ,Request tokens,Response tokens\n1,\"a, \"\"b\"\"\" ,2,1\n"),
                TraceFormat::burstgpt, {quoted_model});
}

// A trace cut out of a longer one begins late; start_at_zero moves it.
TEST(TraceReader, moves_the_first_arrival_to_zero_when_asked) {
    TraceOptions options;
    options.start_at_zero = true;
    const auto read = read_text("arrived_at,num_prefill_tokens,num_decode_tokens\n100.5,1,1\n101,1,1\n", options);
    ASSERT_EQ(read.arrivals.size(), 2U);
    EXPECT_EQ(read.arrivals[0].at, VirtualTime(0));
    EXPECT_EQ(read.arrivals[1].at, VirtualTime(500'000'000));
}

// Three arrivals at 0 and two at 3 s: evenly over [0, 3) and [3, 6), the last bin as wide as the one before.
TEST(TraceReader, spreads_bins_when_asked) {
    TraceOptions options;
    options.spread_bins = true;
    const auto read =
        read_text("arrived_at,num_prefill_tokens,num_decode_tokens\n0,1,1\n0,1,1\n0,1,1\n3,1,1\n3,1,1\n", options);
    std::vector<std::int64_t> at_ms;
    for (const Arrival& each : read.arrivals) at_ms.push_back(each.at.ns / k_ns_per_ms);
    EXPECT_EQ(at_ms, (std::vector<std::int64_t>{0, 1'000, 2'000, 3'000, 4'500}));
    // A single bin has no width to spread over.
    const auto single = read_text("arrived_at,num_prefill_tokens,num_decode_tokens\n2,1,1\n2,1,1\n", options);
    ASSERT_EQ(single.arrivals.size(), 2U);
    EXPECT_EQ(single.arrivals[0].at, single.arrivals[1].at);
}

// A log of seconds: what shares a time came within a second of it, however long the pause after it.
TEST(TraceReader, spreads_over_the_length_of_a_bin_when_it_is_told) {
    TraceOptions options;
    options.spread_width = Duration(k_ns_per_s);
    const auto read = read_text(
        "arrived_at,num_prefill_tokens,num_decode_tokens\n0,1,1\n0,1,1\n30,1,1\n30,1,1\n30.5,1,1\n30.5,1,1\n", options);
    std::vector<std::int64_t> at_ms;
    for (const Arrival& each : read.arrivals) at_ms.push_back(each.at.ns / k_ns_per_ms);
    EXPECT_EQ(at_ms, (std::vector<std::int64_t>{0, 500, 30'000, 30'250, 30'500, 30'750}));
}

// Held as long as they are out of order, the rows come out as when all of them are held and sorted.
TEST(TraceReader, holds_rows_out_of_order_for_the_reorder_time_only) {
    const std::string text = "arrived_at,num_prefill_tokens,num_decode_tokens\n5,1,1\n3,2,1\n9,3,1\n7,4,1\n20,5,1\n";
    TraceOptions options;
    options.sort = true;
    const auto sorted = read_text(text, options);
    options.reorder = Duration(3 * k_ns_per_s);
    TraceReader reader{options};
    std::vector<Arrival> out;
    ASSERT_TRUE(reader.feed(text, out));
    EXPECT_EQ(out.size(), 4U);
    ASSERT_TRUE(reader.finish(out));
    EXPECT_EQ(out, sorted.arrivals);
}

// A reader that failed once stays failed, and gave the rows before the bad one.
TEST(TraceReader, keeps_its_first_error) {
    TraceReader reader{TraceOptions{}};
    std::vector<Arrival> out;
    const auto first = reader.feed("arrived_at,num_prefill_tokens,num_decode_tokens\n0,1,1\nx,1,1\n5,1,1\n", out);
    ASSERT_FALSE(first);
    const auto second = reader.feed("6,1,1\n", out);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().message, first.error().message);
    const auto third = reader.finish(out);
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().message, first.error().message);
    EXPECT_EQ(out.size(), 1U);
}

}  // namespace
}  // namespace replayd
