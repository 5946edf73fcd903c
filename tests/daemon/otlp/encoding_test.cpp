// Both encodings of a request hold the same spans; what is wrong is told by its path.

#include <gtest/gtest.h>

#include "proto/otlp.pb.h"
#include "tests/daemon/otlp/samples.hpp"

namespace replayd::otlp {
namespace {

constexpr const char* k_json = R"({"resourceSpans":[{
  "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"gateway"}}]},
  "scopeSpans":[{"scope":{"name":"s"},"spans":[{
    "traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","name":"chat","kind":3,
    "startTimeUnixNano":"1772000000000000000","endTimeUnixNano":1772000001000000000,"status":{"code":2},
    "attributes":[{"key":"gen_ai.usage.input_tokens","value":{"intValue":"100"}},
                  {"key":"gen_ai.usage.output_tokens","value":{"intValue":10}},
                  {"key":"gen_ai.latency.e2e","value":{"doubleValue":0.5}},
                  {"key":"stream","value":{"boolValue":true}},
                  {"key":"list","value":{"arrayValue":{"values":[]}}},
                  {"key":"nothing"}]}]}]}],"later":{"unknown":1}})";

TEST(OtlpEncoding, json_and_protobuf_hold_the_same_spans) {
    wire::ExportTraceServiceRequest request;
    auto* resource = request.add_resource_spans();
    auto* service = resource->mutable_resource()->add_attributes();
    service->set_key("service.name");
    service->mutable_value()->set_string_value("gateway");
    auto* span = resource->add_scope_spans()->add_spans();
    span->set_trace_id("\x5b\x8e\xff\xf7\x98\x03\x81\x03\xd2\x69\xb6\x33\x81\x3f\xc6\x0c");
    span->set_span_id("\xee\xe1\x9b\x7e\xc3\xc1\xb1\x74");
    span->set_start_time_unix_nano(1'772'000'000'000'000'000);
    span->set_end_time_unix_nano(1'772'000'001'000'000'000);
    span->mutable_status()->set_code(2);
    const auto add = [span](const char* key) {
        auto* attribute = span->add_attributes();
        attribute->set_key(key);
        return attribute->mutable_value();
    };
    add("gen_ai.usage.input_tokens")->set_int_value(100);
    add("gen_ai.usage.output_tokens")->set_int_value(10);
    add("gen_ai.latency.e2e")->set_double_value(0.5);
    add("stream")->set_bool_value(true);
    add("list");
    const auto binary = decode_protobuf(request.SerializeAsString());
    const auto text = decode_json(k_json);
    ASSERT_TRUE(binary) << binary.error().message;
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(*binary, *text);
    ASSERT_EQ(text->front().spans.size(), 1U);
    EXPECT_EQ(text->front().spans.front().trace_id, "5b8efff798038103d269b633813fc60c");
    EXPECT_TRUE(text->front().spans.front().failed);
    EXPECT_EQ(text->front().spans.front().attributes.size(), 4U);
}

TEST(OtlpEncoding, an_empty_request_holds_nothing) {
    EXPECT_TRUE(decode_protobuf("")->empty());
    EXPECT_TRUE(decode_json("{}")->empty());
}

TEST(OtlpEncoding, each_mistake_is_named_by_its_path) {
    const std::vector<std::pair<const char*, const char*>> cases = {
        {"[]", "the body is not a JSON object: expected {\"resourceSpans\":[…]}"},
        {R"({"resourceSpans":{}})", "resourceSpans is no list: expected a list of objects"},
        {R"({"resourceSpans":[1]})", "resourceSpans[0] is no object: expected one"},
        {R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":7}]}]}]})",
         "resourceSpans[0].scopeSpans[0].spans[0].traceId is no string: expected one"},
        {R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"noon"}]}]}]})",
         "resourceSpans[0].scopeSpans[0].spans[0].startTimeUnixNano is \"noon\": expected nanoseconds since the Unix "
         "epoch, a string of digits"},
        {R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"status":{"code":"STATUS_CODE_ERROR"}}]}]}]})",
         "resourceSpans[0].scopeSpans[0].spans[0].status.code is no integer: expected 0, 1 or 2"},
        {R"({"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":{"intValue":"x"}}]}}]})",
         "resourceSpans[0].resource.attributes[0].value.intValue is no 64-bit integer: expected a string of digits"},
    };
    for (const auto& [body, message] : cases) {
        const auto decoded = decode_json(body);
        ASSERT_FALSE(decoded) << body;
        EXPECT_EQ(decoded.error().message, message);
    }
    EXPECT_EQ(decode_protobuf("\x0a").error().message, "the body is not protobuf of an ExportTraceServiceRequest");
}

// Success has no partial_success at all, as the specification wants it.
TEST(OtlpEncoding, answers_say_how_many_spans_are_lost_and_why) {
    EXPECT_EQ(encode_response_json({}), "{}");
    EXPECT_EQ(encode_response_protobuf({}), "");
    EXPECT_EQ(encode_response_json({2, "late"}), R"({"partialSuccess":{"rejectedSpans":"2","errorMessage":"late"}})");
    wire::ExportTraceServiceResponse response;
    ASSERT_TRUE(response.ParseFromString(encode_response_protobuf({2, "late"})));
    EXPECT_EQ(response.partial_success().rejected_spans(), 2);
    EXPECT_EQ(response.partial_success().error_message(), "late");
    EXPECT_EQ(encode_status_json(14, "full"), R"({"code":14,"message":"full"})");
}

}  // namespace
}  // namespace replayd::otlp
