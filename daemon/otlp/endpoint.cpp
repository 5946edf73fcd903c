#include "daemon/otlp/endpoint.hpp"

#include <utility>

#include "daemon/files/decoder.hpp"
#include "daemon/net/quoted.hpp"

namespace replayd::otlp {
namespace {

/// Of a body after decompression; as many bytes of spans as four bodies that come as they are.
constexpr std::size_t k_unpacked_bytes_max = 32U << 20U;
/// Seconds in a Retry-After: simulations take some thousand arrivals in one, and a full disk takes longer in any case.
constexpr const char* k_retry_after_s = "5";
/// INVALID_ARGUMENT and UNAVAILABLE of google/rpc/code.proto.
constexpr int k_rpc_invalid_argument = 3;
constexpr int k_rpc_unavailable = 14;
constexpr std::string_view k_protobuf_type = "application/x-protobuf";
constexpr std::string_view k_json_type = "application/json";

std::string header(const net::HttpRequest& request, const std::string& name) {
    const auto found = request.headers.find(name);
    return found == request.headers.end() ? std::string() : found->second;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

net::HttpResponse encoded(unsigned status, bool json, std::string body) {
    net::HttpResponse response;
    response.status = status;
    response.content_type = std::string(json ? k_json_type : k_protobuf_type);
    response.body = std::move(body);
    return response;
}

net::HttpResponse refusal(unsigned status, bool json, const std::string& message) {
    const bool again = status == 429 || status == 503;
    const int code = again ? k_rpc_unavailable : k_rpc_invalid_argument;
    auto response =
        encoded(status, json, json ? encode_status_json(code, message) : encode_status_protobuf(code, message));
    if (again) response.headers.emplace_back("retry-after", k_retry_after_s);
    return response;
}

/// The body without its content encoding. Errors: `invalid_argument`, `too_large`.
Result<std::string> unpacked(const net::HttpRequest& request) {
    const std::string encoding = header(request, "content-encoding");
    if (encoding.empty() || encoding == "identity") return request.body;
    if (encoding != "gzip") {
        return fail(Code::invalid_argument,
                    "content-encoding is " + net::quoted(encoding) + ": expected gzip, or none");
    }
    constexpr std::string_view k_gzip_magic = "\x1f\x8b";
    if (!request.body.starts_with(k_gzip_magic)) {
        return fail(Code::invalid_argument, "content-encoding is gzip and the body is not: expected gzip data");
    }
    std::string body;
    auto decoder = files::make_decoder(request.body, "the body");
    if (!decoder) return tl::unexpected(decoder.error());
    auto decoded = (*decoder)->decode(request.body, [&body](std::string_view piece) -> Result<void> {
        if (body.size() + piece.size() > k_unpacked_bytes_max) {
            return fail(Code::too_large, "the body has more than " + std::to_string(k_unpacked_bytes_max) +
                                             " bytes when it is decompressed: expected fewer spans at a time");
        }
        body += piece;
        return {};
    });
    if (decoded) decoded = (*decoder)->finish();
    if (!decoded) return tl::unexpected(decoded.error());
    return body;
}

/// A header, or else the parameter of the address: some exporters let people set only one of them.
std::string wish(const net::HttpRequest& request, const std::string& name) {
    const std::string text = header(request, "x-replayd-" + name);
    const auto parameter = request.query.find(name);
    return text.empty() && parameter != request.query.end() ? parameter->second : std::string(trimmed(text));
}

Wishes wishes_of(const net::HttpRequest& request) {
    Wishes wishes;
    wishes.stream = wish(request, "stream");
    const std::string names = wish(request, "scenarios");
    for (std::string_view rest = names; !trimmed(rest).empty();) {
        const std::size_t comma = rest.find(',');
        wishes.scenarios.emplace_back(trimmed(rest.substr(0, comma)));
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
    return wishes;
}

}  // namespace

net::HttpResponse answer(const net::HttpRequest& request, Intake& intake) {
    const std::string sent = header(request, "content-type");
    const std::string_view type = trimmed(std::string_view(sent).substr(0, sent.find(';')));
    const bool json = type == k_json_type;
    if (request.method != "POST") {
        auto response = refusal(405, true, request.method + " " + request.path + ": expected POST");
        response.headers.emplace_back("allow", "POST");
        return response;
    }
    if (!json && type != k_protobuf_type) {
        return refusal(
            415, true,
            "content-type is " + net::quoted(sent) + ": expected application/x-protobuf or application/json");
    }
    const auto body = unpacked(request);
    if (!body) return refusal(body.error().code == Code::too_large ? 413 : 400, json, body.error().message);
    const auto groups = json ? decode_json(*body) : decode_protobuf(*body);
    if (!groups) return refusal(400, json, groups.error().message);
    const auto verdict = intake.take(*groups, wishes_of(request));
    if (!verdict) return refusal(verdict.error().status, json, verdict.error().message);
    return encoded(200, json, json ? encode_response_json(*verdict) : encode_response_protobuf(*verdict));
}

}  // namespace replayd::otlp
