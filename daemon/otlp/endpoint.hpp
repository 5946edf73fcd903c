#pragma once
// POST /v1/traces: OTLP/HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp) over an Intake.

#include "daemon/net/http.hpp"
#include "daemon/otlp/intake.hpp"

namespace replayd::otlp {

/// Answers one request in the encoding in which it came. Blocks until its spans are durable.
[[nodiscard]] net::HttpResponse answer(const net::HttpRequest& request, Intake& intake);

}  // namespace replayd::otlp
