#pragma once
// Spans of OTLP as plain values, whichever encoding brought them. Protobuf and JSON stay behind this header.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "replay/base/error.hpp"

namespace replayd::otlp {

/// Scalar attributes; lists and maps are passed over, since no arrival has a place for them.
using AttributeValue = std::variant<std::string, bool, std::int64_t, double>;
using Attributes = std::map<std::string, AttributeValue, std::less<>>;

struct Span {
    std::string trace_id;  ///< hexadecimal, lower case; 32 digits when it is sound
    std::string span_id;   ///< likewise, 16 digits
    std::uint64_t start_ns = 0;  ///< since the Unix epoch
    std::uint64_t end_ns = 0;
    bool failed = false;  ///< its status is an error
    Attributes attributes;

    bool operator==(const Span&) const = default;
};

/// The spans of one service.
struct ResourceSpans {
    Attributes resource;
    std::vector<Span> spans;

    bool operator==(const ResourceSpans&) const = default;
};

/// An ExportTraceServiceRequest. Error `invalid_argument`: the bytes are not one.
[[nodiscard]] Result<std::vector<ResourceSpans>> decode_protobuf(std::string_view body);
/// Likewise in OTLP's JSON mapping: keys in lowerCamelCase, ids in hexadecimal, 64-bit integers as strings or numbers;
/// unknown keys are passed over. The error names the path of what is wrong.
[[nodiscard]] Result<std::vector<ResourceSpans>> decode_json(std::string_view body);

/// What the sender is told of its spans.
struct Verdict {
    std::int64_t rejected = 0;  ///< spans that are lost
    std::string message;        ///< why; empty: nothing to say
};
[[nodiscard]] std::string encode_response_protobuf(const Verdict& verdict);
[[nodiscard]] std::string encode_response_json(const Verdict& verdict);
/// A google.rpc.Status: `code` as in google/rpc/code.proto.
[[nodiscard]] std::string encode_status_protobuf(int code, const std::string& message);
[[nodiscard]] std::string encode_status_json(int code, const std::string& message);

}  // namespace replayd::otlp
