// What becomes of a span: the table of daemon/otlp.md, attribute by attribute.

#include "daemon/otlp/mapping.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "tests/daemon/otlp/samples.hpp"

namespace replayd::otlp {
namespace {

TEST(SpanMapping, a_chat_span_becomes_an_arrival_with_its_length_as_observed_e2e) {
    const MappedSpan mapped = map_span(chat_span(1, 2'500, 750));
    ASSERT_EQ(mapped.kind, SpanKind::arrival) << mapped.reason;
    EXPECT_EQ(mapped.arrival.at.ns, static_cast<std::int64_t>(k_morning_ns) + 2'500'000'000);
    EXPECT_EQ(mapped.arrival.id, "00000000000000000000000000100001-ab00000000100001");
    EXPECT_EQ(mapped.arrival.prompt, Tokens(100));
    EXPECT_EQ(mapped.arrival.output, Tokens(10));
    EXPECT_EQ(mapped.arrival.model, "llama-3.1-8b");
    EXPECT_EQ(mapped.arrival.observed_e2e, Duration(750'000'000));
    EXPECT_FALSE(mapped.arrival.observed_ttft);
    EXPECT_FALSE(mapped.arrival.observed_cached);
}

// The names of vLLM's own spans; its times are seconds.
TEST(SpanMapping, vllm_spans_bring_their_own_names_and_times) {
    Span span = chat_span(1, 0, 5'000);
    span.attributes = {{"gen_ai.request.id", std::string("cmpl-7")},
                       {"gen_ai.response.model", std::string("m")},
                       {"gen_ai.usage.prompt_tokens", std::int64_t{17}},
                       {"gen_ai.usage.completion_tokens", std::int64_t{3}},
                       {"gen_ai.latency.time_to_first_token", 0.1155},
                       {"gen_ai.latency.e2e", std::int64_t{2}}};
    const MappedSpan mapped = map_span(span);
    ASSERT_EQ(mapped.kind, SpanKind::arrival) << mapped.reason;
    EXPECT_EQ(mapped.arrival.id, "cmpl-7");
    EXPECT_EQ(mapped.arrival.model, "m");
    EXPECT_EQ(mapped.arrival.prompt, Tokens(17));
    EXPECT_EQ(mapped.arrival.output, Tokens(3));
    EXPECT_EQ(mapped.arrival.observed_ttft, Duration(115'500'000));
    EXPECT_EQ(mapped.arrival.observed_e2e, Duration(2'000'000'000));
}

TEST(SpanMapping, conversation_class_cached_tokens_and_first_chunk_are_taken) {
    Span span = chat_span(1, 0);
    span.attributes["gen_ai.conversation.id"] = std::string("c-1");
    span.attributes["replayd.slo_class"] = std::string("gold");
    span.attributes["gen_ai.usage.cache_read.input_tokens"] = std::int64_t{64};
    span.attributes["gen_ai.response.time_to_first_chunk"] = 0.25;
    const MappedSpan mapped = map_span(span);
    ASSERT_EQ(mapped.kind, SpanKind::arrival) << mapped.reason;
    EXPECT_EQ(mapped.arrival.conversation, "c-1");
    EXPECT_EQ(mapped.arrival.slo_class, "gold");
    EXPECT_EQ(mapped.arrival.observed_cached, Tokens(64));
    EXPECT_EQ(mapped.arrival.observed_ttft, Duration(250'000'000));
}

TEST(SpanMapping, spans_of_other_work_are_no_requests) {
    Span http = chat_span(1, 0);
    http.attributes = {{"http.request.method", std::string("GET")}};
    EXPECT_EQ(map_span(http).kind, SpanKind::other);
    for (const char* operation : {"embeddings", "execute_tool", "invoke_agent"}) {
        Span span = chat_span(1, 0);
        span.attributes["gen_ai.operation.name"] = std::string(operation);
        EXPECT_EQ(map_span(span).kind, SpanKind::other) << operation;
    }
}

TEST(SpanMapping, an_error_without_output_failed_and_one_with_output_arrives) {
    Span span = chat_span(1, 0);
    span.failed = true;
    EXPECT_EQ(map_span(span).kind, SpanKind::arrival);
    span.attributes.erase("gen_ai.usage.output_tokens");
    EXPECT_EQ(map_span(span).kind, SpanKind::failed);
}

TEST(SpanMapping, each_wrong_span_is_told_why) {
    struct Case {
        std::function<void(Span&)> spoil;
        const char* reason;
    };
    const std::vector<Case> cases = {
        {[](Span& s) { s.attributes.erase("gen_ai.usage.input_tokens"); },
         "gen_ai.usage.input_tokens is missing: expected it, or gen_ai.usage.prompt_tokens"},
        {[](Span& s) { s.attributes.erase("gen_ai.usage.output_tokens"); },
         "gen_ai.usage.output_tokens is missing: expected it, or gen_ai.usage.completion_tokens"},
        {[](Span& s) { s.attributes["gen_ai.usage.input_tokens"] = std::string("ten"); },
         "gen_ai.usage.input_tokens is \"ten\": expected a whole number of tokens, 0 to 2147483647"},
        {[](Span& s) { s.attributes["gen_ai.usage.input_tokens"] = 1.5; },
         "gen_ai.usage.input_tokens is 1.500000: expected a whole number of tokens, 0 to 2147483647"},
        {[](Span& s) { s.attributes["gen_ai.usage.output_tokens"] = std::int64_t{0}; },
         "output_tokens is 0: expected 1 to 2147483647"},
        {[](Span& s) { s.attributes["gen_ai.usage.cache_read.input_tokens"] = std::int64_t{101}; },
         "observed_cached_tokens is 101: expected 0 to 100, the prompt's tokens"},
        {[](Span& s) { s.attributes["gen_ai.latency.e2e"] = -1.0; },
         "gen_ai.latency.e2e is -1.000000: expected seconds, 0 to 86400"},
        {[](Span& s) { s.trace_id = "12"; }, "trace_id is \"12\": expected 32 hexadecimal digits, not all 0"},
        {[](Span& s) { s.span_id = "0000000000000000"; },
         "span_id is \"0000000000000000\": expected 16 hexadecimal digits, not all 0"},
        {[](Span& s) { s.start_ns = 0; }, "start_time_unix_nano is 0: expected nanoseconds since the Unix epoch"},
        {[](Span& s) { s.end_ns = 5; },
         "end_time_unix_nano is 5: expected 1772000000000000000 or more, its start_time_unix_nano"},
    };
    for (const Case& wrong : cases) {
        Span span = chat_span(1, 0);
        wrong.spoil(span);
        const MappedSpan mapped = map_span(span);
        EXPECT_EQ(mapped.kind, SpanKind::invalid) << wrong.reason;
        EXPECT_EQ(mapped.reason, wrong.reason);
    }
}

}  // namespace
}  // namespace replayd::otlp
