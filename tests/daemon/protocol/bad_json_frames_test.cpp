// Text frames that must be refused, each with the exact message that its sender reads.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "daemon/protocol/codec.hpp"
#include "daemon/protocol/limits.hpp"
#include "tests/daemon/protocol/samples.hpp"

namespace replayd::protocol {
namespace {

struct Case {
    std::string frame;
    std::string message;
    Code code = Code::invalid_argument;
};

void expect_refused(const std::vector<Case>& cases) {
    for (const Case& c : cases) {
        const auto decoded = decode_client_message(c.frame, false);
        ASSERT_FALSE(decoded) << c.frame;
        EXPECT_EQ(decoded.error().message, c.message) << c.frame.substr(0, 200);
        EXPECT_EQ(decoded.error().code, c.code) << c.frame.substr(0, 200);
    }
}

std::string batch_with(const std::string& arrivals) { return R"({"batch":{"seq":1,"arrivals":[)" + arrivals + "]}}"; }

/// One arrival whose fields after the id are given.
std::string arrival_with(const std::string& fields) { return batch_with(R"({"id":"a",)" + fields + "}"); }

const std::string k_good = R"("arrival_ns":0,"prompt_tokens":32,"output_tokens":1)";

// Text that is no JSON, or JSON of another shape.
TEST(BadJsonFrames, text_that_is_no_message_is_refused) {
    const std::string expected = ": expected an object with one of hello, batch, end";
    expect_refused({
        {"", "the text frame is not JSON: incomplete JSON at byte 0" + expected},
        {"hello", "the text frame is not JSON: syntax error at byte 0" + expected},
        {R"({"end":{"seq":1})", "the text frame is not JSON: incomplete JSON at byte 16" + expected},
        {R"({"end":{"seq":1}} x)", "the text frame is not JSON: extra data at byte 18" + expected},
        {R"({"end":{"seq":01}})", "the text frame is not JSON: syntax error at byte 15" + expected},
        {"{\"end\":{\"seq\":\"\xff\"}}", "the text frame is not JSON: syntax error at byte 15" + expected},
        {std::string(100, '['), "the text frame is not JSON: too deep at byte 32" + expected},
        {"[]", "the message is an array of 0: expected an object"},
        {"12", "the message is 12: expected an object"},
        {"{}", "the message has 0 keys: expected exactly one of hello, batch, end"},
        {R"({"hello":{"stream":"s"},"end":{"seq":1}})",
         "the message has 2 keys: expected exactly one of hello, batch, end"},
        {R"({"bacth":{}})", "the message has the unknown key \"bacth\": did you mean \"batch\"?"},
        {R"({"subscribe":{}})", "the message has the unknown key \"subscribe\": expected one of hello, batch, end"},
        {R"({"end":7})", "end is 7: expected an object"},
        {R"({"end":{}})", "end.seq is missing: expected an integer of 1 or more"},
        {R"({"end":{"seq":0}})", "end.seq is 0: expected 1 or more"},
    });
}

// The hello: names, limits and the traced system.
TEST(BadJsonFrames, wrong_hello_is_refused) {
    const std::string characters = ": expected 1 to 128 characters of A-Z a-z 0-9 . _ -";
    const std::string long_text(257, 'x');
    expect_refused({
        {R"({"hello":{}})", "hello.stream is missing: expected the name of the stream"},
        {R"({"hello":{"stream":""}})", "hello.stream is empty" + characters},
        {R"({"hello":{"stream":"a b"}})", "hello.stream is \"a b\"" + characters},
        {R"({"hello":{"stream":"ü"}})", "hello.stream is \"ü\"" + characters},
        {R"({"hello":{"stream":")" + std::string(129, 'x') + "\"}}", "hello.stream has 129 bytes" + characters},
        {R"({"hello":{"stream":7}})", "hello.stream is 7: expected a string"},
        {R"({"hello":{"steam":"s"}})", "hello has the unknown key \"steam\": did you mean \"stream\"?"},
        {R"({"hello":{"stream":"s","speed":-2.5}})",
         "hello.speed is -2.5: expected 0 (as fast as possible) or a positive factor of real time"},
        {R"({"hello":{"stream":"s","speed":"fast"}})", "hello.speed is \"fast\": expected a number"},
        {R"({"hello":{"stream":"s","scenarios":"x"}})", "hello.scenarios is \"x\": expected an array"},
        {R"({"hello":{"stream":"s","scenarios":["x",null]}})", "hello.scenarios[1] is null: expected a string"},
        {R"({"hello":{"stream":"s","scenarios":["x",""]}})",
         "hello.scenarios[1] is empty: expected the name of a scenario"},
        {R"({"hello":{"stream":"s","scenarios":["x","y","x"]}})",
         "hello.scenarios[2] is \"x\" again: expected each scenario once"},
        {R"({"hello":{"stream":"s","client":")" + long_text + "\"}}",
         "hello.client has 257 bytes: expected at most 256", Code::too_large},
        {R"({"hello":{"stream":"s","traced_system":{"gpu":["H100"]}}})",
         "hello.traced_system.gpu is an array of 1: expected a string"},
        {R"({"hello":{"stream":"s","traced_system":{"gpus":-1}}})",
         "hello.traced_system.gpus is -1: expected 0 or more"},
        {R"({"hello":{"stream":"s","traced_system":{"settings":{"tp":8}}}})",
         "hello.traced_system.settings.tp is 8: expected a string"},
        {R"({"hello":{"stream":"s","traced_system":{"settings":{"tp":")" + long_text + "\"}}}}",
         "hello.traced_system.settings[\"tp\"] has 257 bytes: expected at most 256", Code::too_large},
    });
}

// Types of an arrival's fields: the path leads to the value.
TEST(BadJsonFrames, wrong_types_name_the_path) {
    expect_refused({
        {R"({"batch":{"arrivals":[]}})", "batch.seq is missing: expected an integer of 1 or more"},
        {R"({"batch":{"seq":-1,"arrivals":[]}})",
         "batch.seq is -1: expected an integer from 0 to 18446744073709551615"},
        {R"({"batch":{"seq":1.5,"arrivals":[]}})",
         "batch.seq is 1.5: expected an integer from 0 to 18446744073709551615"},
        {R"({"batch":{"seq":"1x","arrivals":[]}})",
         "batch.seq is \"1x\": expected an integer from 0 to 18446744073709551615"},
        {R"({"batch":{"seq":1,"arrivals":{}}})", "batch.arrivals is an object: expected an array"},
        {R"({"batch":{"seq":1,"arrivals":[true]}})", "batch.arrivals[0] is true: expected an object"},
        {R"({"batch":{"seq":1,"watermark":5}})",
         "batch has the unknown key \"watermark\": did you mean \"watermark_ns\"?"},
        {batch_with("{" + k_good + "}"), "batch.arrivals[0].id is missing: expected the request's id"},
        {batch_with(R"({"id":7,)" + k_good + "}"), "batch.arrivals[0].id is 7: expected a string"},
        {arrival_with(R"("prompt_tokens":1,"output_tokens":1)"),
         "batch.arrivals[0].arrival_ns is missing: expected nanoseconds since the stream's epoch"},
        {arrival_with(R"("arrival_ns":0,"output_tokens":1)"),
         "batch.arrivals[0].prompt_tokens is missing: expected an integer of 1 or more"},
        {arrival_with(R"("arrival_ns":0.5,"prompt_tokens":1,"output_tokens":1)"),
         "batch.arrivals[0].arrival_ns is 0.5: expected an integer of 64 bits"},
        {arrival_with(R"("arrival_ns":18446744073709551615,"prompt_tokens":1,"output_tokens":1)"),
         "batch.arrivals[0].arrival_ns is 18446744073709551615: expected an integer of 64 bits"},
        {arrival_with(R"("arrival_ns":"99999999999999999999","prompt_tokens":1,"output_tokens":1)"),
         "batch.arrivals[0].arrival_ns is \"99999999999999999999\": expected an integer of 64 bits"},
        {arrival_with(k_good + R"(,"prefix_hashes":[1,-2],"prefix_block_tokens":16)"),
         "batch.arrivals[0].prefix_hashes[1] is -2: expected an integer from 0 to 18446744073709551615"},
        {arrival_with(k_good + R"(,"promptTokens":5)"),
         "batch.arrivals[0] has the unknown key \"promptTokens\": did you mean \"prompt_tokens\"?"},
    });
}

// Values that no run could work with.
TEST(BadJsonFrames, wrong_values_name_the_path) {
    const std::string good_arrival = R"({"id":"a",)" + k_good + "}";
    expect_refused({
        {R"({"batch":{"seq":0,"arrivals":[]}})", "batch.seq is 0: expected 1 or more"},
        {R"({"batch":{"seq":1}})",
         "batch.arrivals is empty and batch.watermark_ns is missing: expected at least one of them"},
        {batch_with(good_arrival + "," + good_arrival + "," + good_arrival +
                    R"(,{"id":"b","arrival_ns":0,"prompt_tokens":-4,"output_tokens":1})"),
         "batch.arrivals[3].prompt_tokens is -4: expected 1 to 2147483647"},
        {batch_with(R"({"id":"",)" + k_good + "}"), "batch.arrivals[0].id is empty: expected the request's id"},
        {arrival_with(R"("arrival_ns":-1,"prompt_tokens":1,"output_tokens":1)"),
         "batch.arrivals[0].arrival_ns is -1: expected 0 or more"},
        {arrival_with(R"("arrival_ns":0,"prompt_tokens":1,"output_tokens":2147483648)"),
         "batch.arrivals[0].output_tokens is 2147483648: expected 1 to 2147483647"},
        {arrival_with(k_good + R"(,"prefix_hashes":[1])"),
         "batch.arrivals[0].prefix_hashes has 1 entries but prefix_block_tokens is 0: expected the block size of "
         "the hashes"},
        {arrival_with(k_good + R"(,"prefix_hashes":[1,2,3],"prefix_block_tokens":16)"),
         "batch.arrivals[0].prefix_hashes has 3 entries: expected at most 2 for 32 prompt tokens in blocks of 16"},
        {arrival_with(k_good + R"(,"observed_ttft_ns":-7)"),
         "batch.arrivals[0].observed_ttft_ns is -7: expected 0 or more"},
        {batch_with(R"({"id":"a","arrival_ns":9,"prompt_tokens":1,"output_tokens":1},)"
                    R"({"id":"b","arrival_ns":5,"prompt_tokens":1,"output_tokens":1})"),
         "batch.arrivals[1].arrival_ns is 5, before the 9 of batch.arrivals[0]: expected times that never decrease "
         "inside a batch"},
        {R"({"batch":{"seq":1,"watermark_ns":-3}})", "batch.watermark_ns is -3: expected 0 or more"},
        {R"({"batch":{"seq":1,"watermark_ns":8,"arrivals":[)"
         R"({"id":"a","arrival_ns":9,"prompt_tokens":1,"output_tokens":1}]}})",
         "batch.watermark_ns is 8: expected 9 or more, the time of the last arrival"},
    });
}

// Limits of limits.hpp are told as such, so that a sender can cut its batches.
TEST(BadJsonFrames, limits_are_told_as_too_large) {
    const ArrivalBatch too_many = testing::plain_batch(k_arrivals_per_batch_max + 1);
    ArrivalBatch many_hashes = testing::plain_batch(1);
    many_hashes.arrivals[0].prompt = Tokens(1 << 20);
    many_hashes.arrivals[0].prefix_block = Tokens(1);
    many_hashes.arrivals[0].prefix_hashes.resize(k_prefix_hashes_max + 1);
    Hello many_scenarios{"s", {}, {}, "", 0, {}};
    for (std::size_t i = 0; i <= k_scenarios_max; ++i) many_scenarios.scenarios.push_back(std::to_string(i));
    expect_refused({
        {encode_client_message(too_many, false), "batch.arrivals has 10001 entries: expected at most 10000",
         Code::too_large},
        {encode_client_message(many_hashes, false),
         "batch.arrivals[0].prefix_hashes has 65537 entries: expected at most 65536", Code::too_large},
        {encode_client_message(many_scenarios, false), "hello.scenarios has 65 entries: expected at most 64",
         Code::too_large},
        {batch_with(R"({"id":")" + std::string(257, 'x') + "\"," + k_good + "}"),
         "batch.arrivals[0].id has 257 bytes: expected at most 256", Code::too_large},
        {arrival_with(k_good + R"(,"slo_class":")" + std::string(257, 'x') + "\""),
         "batch.arrivals[0].slo_class has 257 bytes: expected at most 256", Code::too_large},
    });
}

}  // namespace
}  // namespace replayd::protocol
