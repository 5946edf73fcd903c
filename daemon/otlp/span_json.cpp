// OTLP's JSON mapping: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding

#include "daemon/otlp/span.hpp"

#include <charconv>
#include <cmath>

#include <boost/json.hpp>

#include "daemon/net/quoted.hpp"

namespace replayd::otlp {
namespace {

namespace json = boost::json;

/// Deepest nesting of a request: attributes may hold lists of maps, which are passed over.
constexpr std::size_t k_depth_max = 64;
constexpr std::int64_t k_status_error = 2;

tl::unexpected<Error> wrong(const std::string& path, const std::string& what) {
    return fail(Code::invalid_argument, path + " " + what);
}

/// A member that is absent or null is null.
const json::value* member(const json::object& object, std::string_view key) {
    const json::value* found = object.if_contains(key);
    return found == nullptr || found->is_null() ? nullptr : found;
}

/// Calls `each(element, its path)` for the objects of a list that may be absent.
template <class Each>
Result<void> for_objects(const json::object& parent, std::string_view key, const std::string& path, Each each) {
    const json::value* list = member(parent, key);
    if (list == nullptr) return {};
    const std::string here = path + std::string(key);
    if (!list->is_array()) return wrong(here, "is no list: expected a list of objects");
    std::size_t index = 0;
    for (const json::value& element : list->get_array()) {
        const std::string place = here + "[" + std::to_string(index++) + "]";
        if (!element.is_object()) return wrong(place, "is no object: expected one");
        if (Result<void> done = each(element.get_object(), place); !done) return done;
    }
    return {};
}

template <class Integer>
bool parse_decimal(std::string_view text, Integer& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc() && end == text.data() + text.size();
}

/// A 64-bit integer as a number or a decimal string.
template <class Integer>
bool read_integer(const json::value& value, Integer& into) {
    if (value.is_string()) return parse_decimal(std::string_view(value.get_string()), into);
    boost::system::error_code error;
    into = value.to_number<Integer>(error);
    return !error;
}

Result<void> read_time(const json::object& span, std::string_view key, const std::string& path, std::uint64_t& into) {
    const json::value* value = member(span, key);
    if (value == nullptr || read_integer(*value, into)) return {};
    const std::string shown = value->is_string() ? net::quoted(std::string_view(value->get_string())) : "no time";
    return wrong(path + "." + std::string(key),
                 "is " + shown + ": expected nanoseconds since the Unix epoch, a string of digits");
}

Result<void> read_text(const json::object& object, std::string_view key, const std::string& path, std::string& into) {
    const json::value* value = member(object, key);
    if (value == nullptr) return {};
    if (!value->is_string()) return wrong(path + "." + std::string(key), "is no string: expected one");
    into = std::string(value->get_string());
    return {};
}

std::string lower(std::string text) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
}

Result<void> read_value(const json::object& value, const std::string& path, const std::string& key, Attributes& into) {
    if (const json::value* text = member(value, "stringValue")) {
        if (!text->is_string()) return wrong(path + ".stringValue", "is no string: expected one");
        into[key] = std::string(text->get_string());
    } else if (const json::value* flag = member(value, "boolValue")) {
        if (!flag->is_bool()) return wrong(path + ".boolValue", "is no boolean: expected true or false");
        into[key] = flag->get_bool();
    } else if (const json::value* whole = member(value, "intValue")) {
        std::int64_t number = 0;
        if (!read_integer(*whole, number)) {
            return wrong(path + ".intValue", "is no 64-bit integer: expected a string of digits");
        }
        into[key] = number;
    } else if (const json::value* real = member(value, "doubleValue")) {
        boost::system::error_code error;
        double number = real->is_string() ? std::nan("") : real->to_number<double>(error);
        const bool named = real->is_string() && (real->get_string() == "NaN" || real->get_string() == "Infinity" ||
                                                 real->get_string() == "-Infinity");
        if (error || (real->is_string() && !named)) return wrong(path + ".doubleValue", "is no number: expected one");
        into[key] = number;
    }
    return {};
}

Result<void> read_attributes(const json::object& owner, const std::string& path, Attributes& into) {
    return for_objects(owner, "attributes", path + ".",
                       [&into](const json::object& item, const std::string& place) -> Result<void> {
                           std::string key;
                           if (auto read = read_text(item, "key", place, key); !read) return read;
                           const json::value* value = member(item, "value");
                           if (value == nullptr) return {};
                           if (!value->is_object()) return wrong(place + ".value", "is no object: expected one");
                           return read_value(value->get_object(), place + ".value", key, into);
                       });
}

Result<void> read_status(const json::object& from, const std::string& path, bool& failed) {
    const json::value* status = member(from, "status");
    if (status == nullptr) return {};
    if (!status->is_object()) return wrong(path + ".status", "is no object: expected one");
    const json::value* code = member(status->get_object(), "code");
    if (code == nullptr) return {};
    std::int64_t number = 0;
    if (code->is_string() || !read_integer(*code, number)) {
        return wrong(path + ".status.code", "is no integer: expected 0, 1 or 2");
    }
    failed = number == k_status_error;
    return {};
}

Result<void> read_span(const json::object& from, const std::string& path, Span& to) {
    return read_text(from, "traceId", path, to.trace_id)
        .and_then([&] { return read_text(from, "spanId", path, to.span_id); })
        .and_then([&] { return read_time(from, "startTimeUnixNano", path, to.start_ns); })
        .and_then([&] { return read_time(from, "endTimeUnixNano", path, to.end_ns); })
        .and_then([&] { return read_status(from, path, to.failed); })
        .and_then([&] { return read_attributes(from, path, to.attributes); })
        .map([&] {
            to.trace_id = lower(std::move(to.trace_id));
            to.span_id = lower(std::move(to.span_id));
        });
}

Result<void> read_group(const json::object& from, const std::string& path, ResourceSpans& to) {
    if (const json::value* resource = member(from, "resource")) {
        if (!resource->is_object()) return wrong(path + ".resource", "is no object: expected one");
        if (auto read = read_attributes(resource->get_object(), path + ".resource", to.resource); !read) return read;
    }
    return for_objects(from, "scopeSpans", path + ".", [&to](const json::object& scope, const std::string& place) {
        return for_objects(scope, "spans", place + ".", [&to](const json::object& span, const std::string& at) {
            return read_span(span, at, to.spans.emplace_back());
        });
    });
}

}  // namespace

Result<std::vector<ResourceSpans>> decode_json(std::string_view body) {
    boost::system::error_code error;
    json::parse_options options;
    options.max_depth = k_depth_max;
    const json::value root = json::parse(json::string_view(body.data(), body.size()), error, {}, options);
    if (error) return fail(Code::invalid_argument, "the body is not JSON: " + error.message());
    if (!root.is_object()) {
        return fail(Code::invalid_argument, "the body is not a JSON object: expected {\"resourceSpans\":[…]}");
    }
    std::vector<ResourceSpans> out;
    auto read =
        for_objects(root.get_object(), "resourceSpans", "", [&out](const json::object& from, const std::string& path) {
            return read_group(from, path, out.emplace_back());
        });
    if (!read) return tl::unexpected(read.error());
    return out;
}

std::string encode_response_json(const Verdict& verdict) {
    json::object response;
    if (verdict.rejected > 0 || !verdict.message.empty()) {
        response["partialSuccess"] = {{"rejectedSpans", std::to_string(verdict.rejected)},
                                      {"errorMessage", verdict.message}};
    }
    return json::serialize(response);
}

std::string encode_status_json(int code, const std::string& message) {
    return json::serialize(json::object{{"code", code}, {"message", message}});
}

}  // namespace replayd::otlp
