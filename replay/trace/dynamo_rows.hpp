#pragma once
// The lines of Dynamo's request tracing: one record of schema dynamo.request.trace.v1, alone or in the envelope of its
// file sink, {"timestamp": ..., "event": RECORD}. A record of type request_end is a request; those of tools and
// payloads are passed over and named as ignored. Source: "Request Trace Reference" of docs.nvidia.com/dynamo;
// ai-dynamo/dynamo, lib/llm/src/request_trace/.
//
// The prompt is replay.input_length, which the hashes are of; input_tokens where there is no replay part.

#include <memory>

#include "replay/trace/row_parser.hpp"

namespace replayd {

[[nodiscard]] std::unique_ptr<RowParser> make_dynamo_rows(const FormatTraits& format, RowOptions options);

}  // namespace replayd
