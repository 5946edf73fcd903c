#include "daemon/otlp/span.hpp"

#include <limits>

#include "proto/otlp.pb.h"

namespace replayd::otlp {
namespace {

std::string hexadecimal(const std::string& bytes) {
    constexpr char k_digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(2 * bytes.size());
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        text += k_digits[value >> 4U];
        text += k_digits[value & 15U];
    }
    return text;
}

Attributes plain(const google::protobuf::RepeatedPtrField<wire::KeyValue>& from) {
    Attributes to;
    for (const wire::KeyValue& attribute : from) {
        const wire::AnyValue& value = attribute.value();
        switch (value.value_case()) {
            case wire::AnyValue::kStringValue: to[attribute.key()] = value.string_value(); break;
            case wire::AnyValue::kBoolValue: to[attribute.key()] = value.bool_value(); break;
            case wire::AnyValue::kIntValue: to[attribute.key()] = std::int64_t{value.int_value()}; break;
            case wire::AnyValue::kDoubleValue: to[attribute.key()] = value.double_value(); break;
            case wire::AnyValue::VALUE_NOT_SET: break;
        }
    }
    return to;
}

/// STATUS_CODE_ERROR of opentelemetry/proto/trace/v1/trace.proto.
constexpr int k_status_error = 2;

}  // namespace

Result<std::vector<ResourceSpans>> decode_protobuf(std::string_view body) {
    wire::ExportTraceServiceRequest request;
    if (body.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
        !request.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
        return fail(Code::invalid_argument, "the body is not protobuf of an ExportTraceServiceRequest");
    }
    std::vector<ResourceSpans> out;
    for (const auto& resource : request.resource_spans()) {
        ResourceSpans& group = out.emplace_back();
        group.resource = plain(resource.resource().attributes());
        for (const auto& scope : resource.scope_spans()) {
            for (const auto& span : scope.spans()) {
                group.spans.push_back({hexadecimal(span.trace_id()), hexadecimal(span.span_id()),
                                       span.start_time_unix_nano(), span.end_time_unix_nano(),
                                       span.status().code() == k_status_error, plain(span.attributes())});
            }
        }
    }
    return out;
}

std::string encode_response_protobuf(const Verdict& verdict) {
    wire::ExportTraceServiceResponse response;
    if (verdict.rejected > 0 || !verdict.message.empty()) {
        response.mutable_partial_success()->set_rejected_spans(verdict.rejected);
        response.mutable_partial_success()->set_error_message(verdict.message);
    }
    return response.SerializeAsString();
}

std::string encode_status_protobuf(int code, const std::string& message) {
    wire::RpcStatus status;
    status.set_code(code);
    status.set_message(message);
    return status.SerializeAsString();
}

}  // namespace replayd::otlp
