#pragma once
// From a span with GenAI attributes to an arrival. The table for users is in daemon/otlp.md; pure.

#include <string>

#include "daemon/otlp/span.hpp"
#include "replay/trace/arrival.hpp"

namespace replayd::otlp {

/// What a span is to a replay.
enum class SpanKind {
    arrival,
    other,    ///< no request to a language model, or one of another kind (embeddings, tools, agents)
    failed,   ///< a request that made no token in production
    invalid,  ///< a request that lacks something, or has a wrong value
};

struct MappedSpan {
    SpanKind kind = SpanKind::other;
    Arrival arrival;     ///< of kind arrival; `at` counts from the Unix epoch
    std::string reason;  ///< of kind invalid: "gen_ai.usage.input_tokens is missing: expected …"
};

[[nodiscard]] MappedSpan map_span(const Span& span);

/// Where the spans of a resource go when nothing else says so: `service.name`; empty when there is none.
[[nodiscard]] std::string service_name(const Attributes& resource);

}  // namespace replayd::otlp
