#pragma once
// Spans as exporters send them.

#include <cstdint>
#include <string>

#include "daemon/otlp/span.hpp"

namespace replayd::otlp {

/// A moment of 2026 on the Unix clock.
inline constexpr std::uint64_t k_morning_ns = 1'772'000'000'000'000'000;

/// The request number `index`: it begins `start_ms` into the morning, and lasts `length_ms`.
inline Span chat_span(unsigned index, std::uint64_t start_ms, std::uint64_t length_ms = 1'000) {
    const std::string digits = std::to_string(100'000 + index);
    Span span;
    span.trace_id = "00000000000000000000000000" + digits;
    span.span_id = "ab00000000" + digits;
    span.start_ns = k_morning_ns + start_ms * 1'000'000;
    span.end_ns = span.start_ns + length_ms * 1'000'000;
    span.attributes = {{"gen_ai.operation.name", std::string("chat")},
                       {"gen_ai.request.model", std::string("llama-3.1-8b")},
                       {"gen_ai.usage.input_tokens", std::int64_t{100}},
                       {"gen_ai.usage.output_tokens", std::int64_t{10}}};
    return span;
}

}  // namespace replayd::otlp
