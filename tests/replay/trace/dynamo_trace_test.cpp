// Dynamo's request traces: records alone and in the envelope of the file sink, and what is wrong with one.

#include <gtest/gtest.h>

#include "tests/replay/trace/trace_text.hpp"

namespace replayd {
namespace {

/// A record of the type with these members.
std::string record(const std::string& type, const std::string& members) {
    return R"({"schema":"dynamo.request.trace.v1","event_type":")" + type + R"(","event_time_unix_ms":1772000002000)" +
           members + "}";
}

std::string request(const std::string& members) {
    return record("request_end", R"(,"request":{)" + members + "}");
}

std::string in_envelope(const std::string& text) {
    return R"({"timestamp":17,"event":)" + text + "}\n";
}

const std::string k_replay =
    R"("replay":{"trace_block_size":16,"input_length":40,"input_sequence_hashes":[7,8,18446744073709551615]})";
const std::string k_late =
    request(R"("request_id":"late","request_received_ms":1772000001500,"output_tokens":4,)" + k_replay);

// Requests are logged as they end: the later one comes first.
TEST(DynamoTrace, reads_records_in_the_envelope_of_the_file_sink_and_without) {
    Arrival early;
    early.id = "early";
    early.prompt = Tokens(33);
    early.output = Tokens(20);
    early.conversation = "agent";
    early.model = "m";
    early.observed_ttft = Duration(125'500'000);
    early.observed_e2e = Duration(1'000'000'000);
    early.observed_tpot = Duration(43'750'000);
    early.observed_cached = Tokens(16);
    Arrival late;
    late.id = "late";
    late.at = VirtualTime(500'000'000);
    late.prompt = Tokens(40);
    late.output = Tokens(4);
    late.prefix_hashes = {7, 8, 18'446'744'073'709'551'615U};
    late.prefix_block = Tokens(16);
    const std::string first = record(
        "request_end",
        R"(,"event_source":"dynamo","agent_context":{"session_id":"agent","trajectory_id":"t"},)"
        R"("request":{"request_id":"early","model":"m","input_tokens":33,"output_tokens":20,"cached_tokens":16,)"
        R"("request_received_ms":1772000001000,"ttft_ms":125.5,)"
        R"("total_time_ms":1000.0,"avg_itl_ms":43.75,"kv_hit_rate":0.5,"worker":{"prefill_worker_id":1}})");
    const auto enveloped = read_text(in_envelope(k_late) + in_envelope(first));
    EXPECT_EQ(enveloped.error, "");
    EXPECT_EQ(enveloped.format, TraceFormat::dynamo);
    EXPECT_EQ(enveloped.arrivals, (std::vector<Arrival>{early, late}));
    EXPECT_EQ(enveloped.stats.ignored_fields,
              (std::vector<std::string>{"agent_context.trajectory_id", "request.kv_hit_rate", "request.worker"}));
    const auto bare = read_text(k_late + "\n" + first + "\n");
    EXPECT_EQ(bare.error, "");
    EXPECT_EQ(bare.format, TraceFormat::dynamo);
    EXPECT_EQ(bare.arrivals, enveloped.arrivals);
}

// input_tokens may count what the hashes are not of; the length that belongs to them counts, whichever comes first.
TEST(DynamoTrace, takes_the_length_that_the_hashes_are_of) {
    const std::string facts = R"("request_id":"a","request_received_ms":1,"output_tokens":4,)";
    for (const std::string& both : {R"("input_tokens":90,)" + k_replay, k_replay + R"(,"input_tokens":90)"}) {
        const auto read = read_text(request(facts + both) + "\n");
        EXPECT_EQ(read.error, "");
        ASSERT_EQ(read.arrivals.size(), 1U);
        EXPECT_EQ(read.arrivals[0].prompt, Tokens(40));
    }
}

// Tools and payloads are in the same files; a payload may come first.
TEST(DynamoTrace, passes_over_records_of_other_types_and_names_them) {
    const std::string payload =
        record("request_payload", R"(,"payload":{"request_id":"late","request":{"messages":[]}})");
    const std::string tool = record("tool_end", R"(,"tool":{"tool_call_id":"c","tool_class":"bash"})");
    for (const bool enveloped : {true, false}) {
        std::string text;
        for (const std::string& line : {payload, k_late, tool}) text += enveloped ? in_envelope(line) : line + "\n";
        const auto read = read_text(text);
        EXPECT_EQ(read.error, "");
        EXPECT_EQ(read.arrivals.size(), 1U);
        EXPECT_EQ(read.stats.rows, 1);
        EXPECT_EQ(read.stats.ignored_fields, (std::vector<std::string>{"records of event_type request_payload",
                                                                       "records of event_type tool_end"}));
    }
}

TEST(DynamoTrace, says_what_is_wrong_with_a_record) {
    const std::string tokens = "expected a whole number, 1 to 2147483647";
    const std::string facts = R"("request_id":"a","request_received_ms":1)";
    const std::vector<std::pair<std::string, std::string>> cases = {
        {R"({"event_type":"request_end"})", R"(schema is "": expected dynamo.request.trace.v1)"},
        {R"({"schema":"dynamo.request.trace.v2","event_type":"request_end"})",
         R"(schema is "dynamo.request.trace.v2": expected dynamo.request.trace.v1)"},
        {R"({"timestamp":1,"event":{"schema":"dynamo.request.trace.v1"}})",
         "event_type is missing: expected request_end, or another type of record"},
        {R"({"timestamp":1,"event":7})", R"(event is "7": expected an object)"},
        {record("request_end", ""), "request.request_id is missing: expected text"},
        {record("request_end", R"(,"request":[])"), R"(request is "[]": expected an object)"},
        {request(R"("request_id":"a")"), "request.request_received_ms is missing: expected milliseconds, 0 or more"},
        {request(R"("request_id":"a","request_received_ms":-1)"),
         R"(request.request_received_ms is "-1": expected milliseconds, 0 or more)"},
        {request(facts), "request.replay.input_length is missing: " + tokens},
        {request(facts + R"(,"input_tokens":0)"), R"(request.input_tokens is "0": )" + tokens},
        {request(facts + R"(,"input_tokens":"many")"),
         R"(request.input_tokens is "many": expected a number, not text)"},
        {request(facts + R"(,"input_tokens":5)"), "request.output_tokens is missing: " + tokens},
        {request(facts + R"(,"output_tokens":0,"input_tokens":5)"),
         R"(request.output_tokens is "0": )" + tokens +
             " (0 marks a request that failed: the option skip_failed_rows leaves such rows out)"},
        {request(facts + R"(,"output_tokens":1,"replay":3)"), R"(request.replay is "3": expected an object)"},
        {request(facts + R"(,"output_tokens":1,"replay":{"input_length":5,"trace_block_size":0})"),
         R"(request.replay.trace_block_size is "0": )" + tokens},
        {request(
             facts +
             R"(,"output_tokens":1,"replay":{"input_length":5,"trace_block_size":4,"input_sequence_hashes":[1,2,3]})"),
         "request.replay.input_sequence_hashes has 3 blocks: expected at most 2 for request.replay.input_length 5 in "
         "blocks of 4 tokens"},
        {request(facts + R"(,"output_tokens":1,"input_tokens":5,"request_id":"b")"),
         "request.request_id is given twice: expected it once"},
        {request(facts + R"(,"output_tokens":1,"input_tokens":5,"ttft_ms":-2)"),
         R"(request.ttft_ms is "-2": expected milliseconds, 0 or more)"}};
    for (const auto& [line, message] : cases) EXPECT_EQ(read_text(line + "\n").error, "t:1: " + message) << line;
    const auto only_tools = read_text(record("tool_end", "") + "\n");
    EXPECT_EQ(only_tools.error, "t: the trace holds no row: expected at least one request");
}

}  // namespace
}  // namespace replayd
