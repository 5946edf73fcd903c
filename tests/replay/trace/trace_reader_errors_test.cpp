// One table: each case is a broken trace and the exact message that a user gets.

#include <gtest/gtest.h>

#include "tests/replay/trace/trace_text.hpp"

namespace replayd {
namespace {

struct BadTrace {
    std::string text;
    std::string message;
    TraceOptions options = {};
};

const std::string k_azure = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n";
const std::string k_burst = "Timestamp,Model,Elapsed time,Request tokens,Response tokens\n";
const std::string k_vidur = "arrived_at,num_prefill_tokens,num_decode_tokens\n";
const std::string k_tokens = "expected a whole number, 1 to 2147483647";

// A Mooncake line with these members after a good one.
std::string mooncake(const std::string& members) {
    return "{\"timestamp\": 5, \"input_length\": 600, \"output_length\": 2, \"hash_ids\": [0, 1]}\n{" + members + "}\n";
}

std::string replayd_line(const std::string& members) {
    return "{\"id\": \"a\", \"arrival_ns\": 7, \"prompt_tokens\": 600, \"output_tokens\": 2" + members + "}\n";
}

std::string vllm(const std::string& members) {
    return "{\"request_id\": \"a\", \"input_toks\": 6, \"output_toks\": 2, \"arrival_time\": 7" + members + "}\n";
}

void expect_messages(const std::vector<BadTrace>& cases) {
    for (const BadTrace& bad : cases) EXPECT_EQ(read_text(bad.text, bad.options).error, bad.message) << bad.text;
}

TEST(BadTrace, azure_rows) {
    expect_messages({
        {k_azure + "2023-11-16 18:15:46.68,abc,44\r\n", "t:2: ContextTokens is \"abc\": " + k_tokens},
        {k_azure + "2023-11-16 18:15:46.68,374,\r\n", "t:2: GeneratedTokens is \"\": " + k_tokens},
        {k_azure + "2023-11-16 18:15:46.68,-3,44\r\n", "t:2: ContextTokens is \"-3\": " + k_tokens},
        {k_azure + "2023-11-16 18:15:46.68,3.0,44\r\n", "t:2: ContextTokens is \"3.0\": " + k_tokens},
        {k_azure + "2023-11-16 18:15:46.68,0,44\r\n", "t:2: ContextTokens is \"0\": " + k_tokens},
        {k_azure + "2023-11-16 18:15:46.68,2147483648,44\r\n", "t:2: ContextTokens is \"2147483648\": " + k_tokens},
        {k_azure + "2023-02-30 18:15:46.68,3,44\r\n",
         "t:2: TIMESTAMP is \"2023-02-30 18:15:46.68\": expected a time like 2023-11-16 18:15:46.6805900"},
        {k_azure + "1700158546,3,44\r\n",
         "t:2: TIMESTAMP is \"1700158546\": expected a time like 2023-11-16 18:15:46.6805900"},
        {k_azure + "2023-11-16 18:15:46.68,3\r\n", "t:2: the row has 2 cells: expected 3, as in the header"},
        {k_azure + "2023-11-16 18:15:46.68,3,4,5\r\n", "t:2: the row has 4 cells: expected 3, as in the header"},
        {k_azure + "2023-11-16 18:15:46,3,4\r\n\r\n2023-11-16 18:15:45.9,3,4\r\n",
         "t:4: TIMESTAMP is \"2023-11-16 18:15:45.9\", before \"2023-11-16 18:15:46\" of line 2: expected times that "
         "never go back; sort the file by that column"},
        {k_azure + "2023-11-16 18:15:46,3,4\r\n2023-11-16 18:15:47Z,3,4\r\n",
         "t:3: TIMESTAMP is \"2023-11-16 18:15:47Z\": expected no time zone, as in the rows before"},
        {k_azure + "2023-11-16 18:15:46Z,3,4\r\n2023-11-16 18:15:47,3,4\r\n",
         "t:3: TIMESTAMP is \"2023-11-16 18:15:47\": expected a time zone as in the rows before"},
        {k_azure + "\"2023-11-16 18:15:46,3,4\r\n",
         "t:2: cell 1 begins with a quote that is never closed: expected '\"' at its end"},
        {k_azure + "\"2023-11-16 18:15:46\"x,3,4\r\n",
         "t:2: cell 1 has \"x\" after its closing quote: expected a comma"},
        {"TIMESTAMP,ContextTokens\r\n",
         "t:1: the header has no column \"GeneratedTokens\": expected TIMESTAMP, ContextTokens, "
         "GeneratedTokens for the format azure"},
        {"TIMESTAMP,ContextTokens,ContextTokens,GeneratedTokens\r\n",
         "t:1: the header has column \"ContextTokens\" twice: expected it once"},
    });
}

TEST(BadTrace, burstgpt_and_vidur_rows) {
    expect_messages({
        {k_burst + "1,m,,10,x\n", "t:2: Response tokens is \"x\": " + k_tokens},
        {k_burst + "-1,m,,10,2\n", "t:2: Timestamp is \"-1\": expected seconds, 0 or more"},
        {k_burst + "1,m,-0.5,10,2\n", "t:2: Elapsed time is \"-0.5\": expected seconds, 0 or more"},
        {k_burst + "1,\xC3,,10,2\n", "t:2: Model is \"\\xc3\": expected text in UTF-8"},
        {"Timestamp,Request tokens\n",
         "t:1: the header has no column \"Response tokens\": expected Timestamp, Request tokens, "
         "Response tokens for the format burstgpt"},
        {k_vidur + "noon,1,1\n", "t:2: arrived_at is \"noon\": expected seconds, 0 or more"},
        {k_vidur + ",1,1\n", "t:2: arrived_at is \"\": expected seconds, 0 or more"},
        {k_vidur + "9223372037,1,1\n", "t:2: arrived_at is \"9223372037\": expected seconds, 0 or more"},
        {k_vidur + "2,1,1\n1.5,1,1\n",
         "t:3: arrived_at is \"1.5\", before \"2\" of line 2: "
         "expected times that never go back; sort the file by that column"},
        {k_vidur + "1," + std::string(70, '9') + ",1\n",
         "t:2: num_prefill_tokens is \"" + std::string(60, '9') + "...\": " + k_tokens},
        {k_vidur + "1,1\x01,1\n", "t:2: num_prefill_tokens is \"1\\x01\": " + k_tokens},
    });
}

TEST(BadTrace, mooncake_values) {
    expect_messages({
        {mooncake("\"timestamp\": 6, \"input_length\": 7"), "t:2: output_length is missing: " + k_tokens},
        {mooncake("\"input_length\": 7, \"output_length\": 1"),
         "t:2: timestamp is missing: expected milliseconds, 0 or more"},
        {mooncake("\"timestamp\": -6, \"input_length\": 7, \"output_length\": 1"),
         "t:2: timestamp is \"-6\": expected milliseconds, 0 or more"},
        {mooncake("\"timestamp\": \"6\", \"input_length\": 7, \"output_length\": 1"),
         "t:2: timestamp is \"6\": expected a number, not text"},
        {mooncake("\"timestamp\": 6, \"input_length\": true, \"output_length\": 1"),
         "t:2: input_length is \"true\": expected a number"},
        {mooncake("\"timestamp\": 6, \"input_length\": 7.5, \"output_length\": 1"),
         "t:2: input_length is \"7.5\": " + k_tokens},
        {mooncake("\"timestamp\": 6, \"input_length\": 512, \"output_length\": 1, \"hash_ids\": [0, 1]"),
         "t:2: hash_ids has 2 blocks: expected at most 1 for input_length 512 in blocks of 512 tokens"},
        {mooncake("\"timestamp\": 6, \"input_length\": 512, \"output_length\": 1, \"hash_ids\": [-1]"),
         "t:2: hash_ids[0] is \"-1\": expected a whole number, 0 to 18446744073709551615"},
        {mooncake(
             "\"timestamp\": 6, \"input_length\": 513, \"output_length\": 1, \"hash_ids\": [3, 18446744073709551616]"),
         "t:2: hash_ids[1] is \"18446744073709551616\": expected a whole number, 0 to 18446744073709551615"},
        {mooncake("\"timestamp\": 6, \"input_length\": 513, \"output_length\": 1, \"hash_ids\": [1.5]"),
         "t:2: hash_ids[0] is \"1.5\": expected a whole number, 0 to 18446744073709551615"},
        {mooncake("\"timestamp\": 6, \"input_length\": 513, \"output_length\": 1, \"hash_ids\": 4"),
         "t:2: hash_ids is \"4\": expected an array of whole numbers"},
        {mooncake("\"timestamp\": 6, \"input_length\": 513, \"output_length\": 1, \"hash_ids\": \"4\""),
         "t:2: hash_ids is \"4\": expected an array of whole numbers, not text"},
        {mooncake("\"timestamp\": 6, \"timestamp\": 6, \"input_length\": 513, \"output_length\": 1"),
         "t:2: timestamp is given twice: expected it once"},
        {mooncake("\"timestamp\": 4.999999, \"input_length\": 7, \"output_length\": 1"),
         "t:2: timestamp is \"4.999999\", before \"5\" of line 1: "
         "expected times that never go back; sort the file by that column"},
        {mooncake("\"timestamp\": 6, \"input_length\": 7, \"output_length\": 0"),
         "t:2: output_length is \"0\": " + k_tokens +
             " (0 marks a request that failed: the option skip_failed_rows leaves such rows out)"},
    });
}

TEST(BadTrace, json_syntax) {
    const TraceOptions json = as(TraceFormat::mooncake);
    expect_messages({
        {"timestamp: 1\n", "t:1: column 1 holds \"t\": expected a JSON object, {\"name\": value, ...}", json},
        {"{\"timestamp\": 1\n", "t:1: column 16 is past the line's end: expected ',' or '}'", json},
        {"{\"timestamp\" 1}\n", "t:1: column 14 holds \"1\": expected ':' after the member's name", json},
        {"{timestamp: 1}\n", "t:1: column 2 holds \"t\": expected a member's name in double quotes", json},
        {"{\"timestamp\": }\n", "t:1: column 15 holds \"}\": expected a JSON value", json},
        {"{\"timestamp\": 01}\n", "t:1: column 16 holds \"1\": expected no digit after a leading 0", json},
        {"{\"timestamp\": 1.}\n", "t:1: column 17 holds \"}\": expected a digit after the point", json},
        {"{\"timestamp\": 1e}\n", "t:1: column 17 holds \"}\": expected a digit of the exponent", json},
        {"{\"timestamp\": -}\n", "t:1: column 16 holds \"}\": expected a digit", json},
        {"{\"hash_ids\": [1, ]}\n", "t:1: column 18 holds \"]\": expected a JSON value", json},
        {"{\"hash_ids\": [1 2]}\n", "t:1: column 17 holds \"2\": expected ',' or ']'", json},
        {"{\"x\": \"abc}\n", "t:1: column 12 is past the line's end: expected '\"' at the end of the text", json},
        {"{\"x\": \"\\q\"}\n", "t:1: column 9 holds \"q\": expected one of \"\\/bfnrtu after a backslash", json},
        {"{\"x\": \"\\u12g4\"}\n", "t:1: column 12 holds \"g\": expected four hexadecimal digits after \\u", json},
        {"{\"x\": \"\\ud800x\"}\n",
         "t:1: column 14 holds \"x\": expected the second half of a surrogate pair, \\uDC00 to \\uDFFF", json},
        {"{\"x\": \"\\udc00\"}\n",
         "t:1: column 14 holds '\"': expected no lone second half of a surrogate pair before it", json},
        {"{\"x\": \"\xFF\"}\n", "t:1: column 8 holds \"\\xff\": expected text in UTF-8", json},
        {"{\"x\": \"a\tb\"}\n", "t:1: column 9 holds \"\\x09\": expected no control character in text", json},
        {"{\"x\": nul}\n", "t:1: column 7 holds \"n\": expected a JSON value", json},
        {"{\"x\": " + std::string(65, '[') + "}\n", "t:1: column 71 holds \"[\": expected at most 64 levels of nesting",
         json},
        {"{\"x\": 1} {\"x\": 2}\n", "t:1: column 10 holds \"{\": expected nothing after the object: one object a line",
         json},
    });
}

TEST(BadTrace, vllm_aiperf_and_our_own_rows) {
    expect_messages({
        {vllm(", \"queued_ts\": 5, \"first_token_ts\": 4.5"),
         "t:1: first_token_ts is \"4.5\": expected not before queued_ts, 5"},
        {vllm(", \"last_token_ts\": 4.5"),
         "t:1: queued_ts is missing: expected it beside last_token_ts, on the same clock"},
        {"{\"input_toks\": 6, \"output_toks\": 2, \"arrival_time\": 7}\n", "t:1: request_id is missing: expected text"},
        {"{\"session_id\": \"s\", \"timestamp\": 1, \"created_time\": 1, \"input_length\": 1, \"output_length\": 1}\n",
         "t:1: created_time and timestamp are both given: expected one of them, they mean the same"},
        {"{\"session_id\": \"s\", \"delay\": 10, \"input_length\": 1, \"output_length\": 1}\n",
         "t:1: delay is given without timestamp: expected a timestamp on the first turn of session_id \"s\""},
        {"{\"session_id\": \"s\", \"timestamp\": 9e12, \"input_length\": 1, \"output_length\": 1}\n"
         "{\"session_id\": \"s\", \"delay\": 9e12, \"input_length\": 1, \"output_length\": 1}\n",
         "t:2: delay leads past the end of time: expected less than 292 years in all"},
        {"{\"session_id\": \"s\", \"input_length\": 1, \"output_length\": 1}\n",
         "t:1: timestamp is missing: expected milliseconds, 0 or more, or delay after an earlier turn of the same "
         "session_id"},
        {"{\"session_id\": [], \"timestamp\": 1, \"input_length\": 1, \"output_length\": 1}\n",
         "t:1: session_id is \"[]\": expected text"},
        {replayd_line(", \"conversatoin\": \"c\""),
         "t:1: \"conversatoin\" is no member of an arrival: expected conversation"},
        {replayd_line(", \"temperature_setting\": 1"),
         "t:1: \"temperature_setting\" is no member of an arrival: expected the members that proto/README.md lists"},
        {replayd_line(", \"prefix_hashes\": [1]"),
         "t:1: prefix_block_tokens is missing: expected the tokens of a block beside prefix_hashes"},
        {replayd_line(", \"prefix_hashes\": [1], \"prefix_block_tokens\": 0"),
         "t:1: prefix_block_tokens is \"0\": " + k_tokens},
        {replayd_line(", \"observed_ttft_ns\": 1.5"),
         "t:1: observed_ttft_ns is \"1.5\": expected whole nanoseconds, 0 or more"},
        {"{\"id\": \"\", \"arrival_ns\": 7}\n", "t:1: id is \"\": expected the request's id"},
        {"{\"id\": \"a\", \"arrival_ns\": \"9223372036854775808\"}\n",
         "t:1: arrival_ns is \"9223372036854775808\": expected whole nanoseconds, 0 or more"},
    });
}

TEST(BadTrace, unknown_files) {
    expect_messages({
        {"", "t: the trace is empty: expected at least one request"},
        {"\r\n\r\n", "t: the trace holds no row: expected at least one request"},
        {k_azure, "t: the trace holds no row: expected at least one request"},
        {"hello\n",
         "t:1: \"hello\" begins no known trace: expected the CSV header or first JSON line of azure, mooncake, "
         "burstgpt, vidur, vllm, aiperf, replayd or dynamo"},
        {"time,in,out\n",
         "t:1: columns \"time\", \"in\", \"out\" belong to no known trace: expected the fields of azure, mooncake, "
         "burstgpt, vidur, vllm, aiperf, replayd or dynamo"},
        {"{\"ts\": 1}\n",
         "t:1: members \"ts\" belong to no known trace: expected the fields of azure, mooncake, burstgpt, vidur, "
         "vllm, aiperf, replayd or dynamo"},
        {"[{\"id\": \"a\", \"conversations\": []}]\n",
         "t:1: the file begins with a JSON array, as ShareGPT files do: expected a CSV header or one JSON object a "
         "line, with token counts and times"},
        {"{\"prompt\": \"Hi\"}\n",
         "t:1: members \"prompt\" hold text without token counts: expected input_length and output_length "
         "in tokens, so count them with the model's tokenizer first"},
        {"{\"timestamp\": 0, \"messages\": [{\"role\": \"user\"}], \"output_length\": 3}\n",
         "t:1: members \"timestamp\", \"messages\", \"output_length\" hold text without token counts: expected "
         "input_length and output_length in tokens, so count them with the model's tokenizer first"},
        {"time,in,out\n",
         "t:1: the header has no column \"arrived_at\": expected arrived_at, num_prefill_tokens, "
         "num_decode_tokens for the format vidur",
         as(TraceFormat::vidur)},
    });
    // A file whose every row failed is no trace either, but says why.
    TraceOptions skip;
    skip.skip_failed_rows = true;
    EXPECT_EQ(read_text(k_burst + "1,m,,10,0\n2,m,,10,0\n", skip).error,
              "t: the trace holds only failed rows, all 2 of them skipped: expected at least one request");
}

// A file without line ends must not fill the memory: the reader gives up at the limit, not at the end.
TEST(BadTrace, endless_line) {
    TraceOptions options = as(TraceFormat::mooncake);
    options.origin = "t";
    TraceReader reader(options);
    std::vector<Arrival> out;
    const std::string chunk(1U << 20U, 'x');
    Result<void> state;
    int chunks = 0;
    while (state && chunks < 100) {
        state = reader.feed(chunk, out);
        ++chunks;
    }
    ASSERT_FALSE(state);
    EXPECT_EQ(chunks, 17);
    EXPECT_EQ(state.error().code, Code::too_large);
    EXPECT_EQ(state.error().message, "t:1: the line is longer than 16777216 bytes: expected one request a line");
}

// Names of formats and laws come from a person: the nearest one is offered.
TEST(BadTrace, format_names) {
    EXPECT_EQ(parse_trace_format("mooncake"), TraceFormat::mooncake);
    EXPECT_EQ(parse_trace_format("moncake").error().message,
              "format is \"moncake\": expected azure, mooncake, burstgpt, vidur, vllm, aiperf, replayd or dynamo; did "
              "you mean mooncake?");
    EXPECT_EQ(
        parse_trace_format("parquet-files").error().message,
        "format is \"parquet-files\": expected azure, mooncake, burstgpt, vidur, vllm, aiperf, replayd or dynamo");
}

}  // namespace
}  // namespace replayd
