#include "daemon/otlp/mapping.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "daemon/net/quoted.hpp"
#include "daemon/protocol/limits.hpp"
#include "daemon/protocol/validate.hpp"

namespace replayd::otlp {
namespace {

// Names of the OpenTelemetry GenAI semantic conventions (open-telemetry/semantic-conventions, docs/gen-ai), of vLLM
// (vllm/tracing, class SpanAttributes) and of SGLang (srt/observability). The first that a span has counts.
using Names = std::span<const std::string_view>;
constexpr std::array<std::string_view, 2> k_prompt = {"gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"};
constexpr std::array<std::string_view, 2> k_output = {"gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"};
constexpr std::array<std::string_view, 2> k_cached = {"gen_ai.usage.cache_read.input_tokens",
                                                      "gen_ai.usage.cached_tokens"};
constexpr std::array<std::string_view, 2> k_id = {"gen_ai.request.id", "gen_ai.response.id"};
constexpr std::array<std::string_view, 2> k_conversation = {"gen_ai.conversation.id", "session.id"};
constexpr std::array<std::string_view, 2> k_model = {"gen_ai.response.model", "gen_ai.request.model"};
constexpr std::array<std::string_view, 1> k_class = {"replayd.slo_class"};
constexpr std::array<std::string_view, 3> k_ttft = {
    "gen_ai.latency.time_to_first_token", "gen_ai.server.time_to_first_token", "gen_ai.response.time_to_first_chunk"};
constexpr std::array<std::string_view, 1> k_e2e = {"gen_ai.latency.e2e"};
constexpr std::string_view k_operation = "gen_ai.operation.name";
/// Operations that one request to a language model is; others are made of such, or are none.
constexpr std::array<std::string_view, 3> k_operations = {"chat", "text_completion", "generate_content"};

struct Found {
    std::string_view name;
    const AttributeValue* value = nullptr;
};

std::optional<Found> find(const Attributes& attributes, Names names) {
    for (const std::string_view name : names) {
        const auto found = attributes.find(name);
        if (found != attributes.end()) return Found{name, &found->second};
    }
    return std::nullopt;
}

std::string text_of(const Attributes& attributes, Names names) {
    const auto found = find(attributes, names);
    const auto* text = found ? std::get_if<std::string>(found->value) : nullptr;
    return text == nullptr ? std::string() : *text;
}

/// The number of a value; nothing for text and flags.
std::optional<double> number_of(const AttributeValue& value) {
    if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
    if (const auto* real = std::get_if<double>(&value)) return *real;
    return std::nullopt;
}

std::string shown(const AttributeValue& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return net::quoted(*text);
    if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
    if (const auto* whole = std::get_if<std::int64_t>(&value)) return std::to_string(*whole);
    return std::to_string(std::get<double>(value));
}

class Mapper {
public:
    explicit Mapper(const Span& span) : span_(span) {}

    MappedSpan map() {
        if (!is_request()) return {};
        if (made_nothing()) return {SpanKind::failed, {}, {}};
        check_span();
        Arrival& arrival = mapped_.arrival;
        arrival.id = text_of(span_.attributes, k_id);
        if (arrival.id.empty()) arrival.id = span_.trace_id + "-" + span_.span_id;
        arrival.at = VirtualTime(static_cast<std::int64_t>(span_.start_ns));
        arrival.prompt = tokens(k_prompt).value_or(missing(k_prompt));
        arrival.output = tokens(k_output).value_or(missing(k_output));
        arrival.conversation = text_of(span_.attributes, k_conversation);
        arrival.model = text_of(span_.attributes, k_model);
        arrival.slo_class = text_of(span_.attributes, k_class);
        arrival.observed_cached = tokens(k_cached);
        arrival.observed_ttft = seconds(k_ttft);
        arrival.observed_e2e = seconds(k_e2e);
        if (!arrival.observed_e2e) {
            arrival.observed_e2e = Duration(static_cast<std::int64_t>(span_.end_ns - span_.start_ns));
        }
        check_arrival();
        mapped_.kind = mapped_.reason.empty() ? SpanKind::arrival : SpanKind::invalid;
        return std::move(mapped_);
    }

private:
    [[nodiscard]] bool is_request() const {
        const auto operation = span_.attributes.find(k_operation);
        if (operation != span_.attributes.end()) {
            const auto* name = std::get_if<std::string>(&operation->second);
            return name != nullptr && std::find(k_operations.begin(), k_operations.end(), *name) != k_operations.end();
        }
        return find(span_.attributes, k_prompt) || find(span_.attributes, k_output);
    }

    /// An error without output is a request that failed; one with output was cut off and did load the cluster.
    [[nodiscard]] bool made_nothing() const {
        const auto output = find(span_.attributes, k_output);
        return span_.failed && (!output || number_of(*output->value).value_or(1) == 0);
    }

    void refuse(std::string reason) {
        if (mapped_.reason.empty()) mapped_.reason = std::move(reason);
    }

    void check_id(const char* name, const std::string& id, std::size_t digits) {
        const bool sound = id.size() == digits && id.find_first_not_of("0123456789abcdef") == std::string::npos &&
                           id.find_first_not_of('0') != std::string::npos;
        if (!sound) {
            refuse(std::string(name) + " is " + net::quoted(id) + ": expected " + std::to_string(digits) +
                   " hexadecimal digits, not all 0");
        }
    }

    void check_span() {
        check_id("trace_id", span_.trace_id, 32);
        check_id("span_id", span_.span_id, 16);
        const auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
        if (span_.start_ns == 0 || span_.start_ns > most) {
            refuse("start_time_unix_nano is " + std::to_string(span_.start_ns) +
                   ": expected nanoseconds since the Unix epoch");
        }
        if (span_.end_ns < span_.start_ns || span_.end_ns > most) {
            refuse("end_time_unix_nano is " + std::to_string(span_.end_ns) + ": expected " +
                   std::to_string(span_.start_ns) + " or more, its start_time_unix_nano");
        }
    }

    Tokens missing(Names names) {
        if (!find(span_.attributes, names)) {
            refuse(std::string(names.front()) + " is missing: expected it, or " + std::string(names.back()));
        }
        return Tokens(0);
    }

    std::optional<Tokens> tokens(Names names) {
        const auto found = find(span_.attributes, names);
        if (!found) return std::nullopt;
        const auto number = number_of(*found->value);
        constexpr double k_most = std::numeric_limits<std::int32_t>::max();
        if (number && *number >= 0 && *number <= k_most && *number == std::floor(*number)) {
            return Tokens(static_cast<std::int64_t>(*number));
        }
        refuse(std::string(found->name) + " is " + shown(*found->value) +
               ": expected a whole number of tokens, 0 to 2147483647");
        return std::nullopt;
    }

    std::optional<Duration> seconds(Names names) {
        const auto found = find(span_.attributes, names);
        if (!found) return std::nullopt;
        const auto number = number_of(*found->value);
        if (number && *number >= 0 && *number <= static_cast<double>(protocol::k_observed_ns_max) * 1e-9) {
            return Duration(std::llround(*number * 1e9));
        }
        refuse(std::string(found->name) + " is " + shown(*found->value) + ": expected seconds, 0 to 86400");
        return std::nullopt;
    }

    /// The rules of every arrival; their messages name its fields.
    void check_arrival() {
        if (!mapped_.reason.empty()) return;
        protocol::ArrivalBatch batch;
        batch.seq = 1;
        batch.arrivals.push_back(mapped_.arrival);
        const auto found = protocol::violation(batch);
        if (!found) return;
        constexpr std::string_view k_path = "batch.arrivals[0].";
        const std::string& message = found->message;
        refuse(message.starts_with(k_path) ? message.substr(k_path.size()) : message);
    }

    const Span& span_;
    MappedSpan mapped_;
};

}  // namespace

MappedSpan map_span(const Span& span) {
    return Mapper(span).map();
}

std::string service_name(const Attributes& resource) {
    constexpr std::array<std::string_view, 1> k_service = {"service.name"};
    return text_of(resource, k_service);
}

}  // namespace replayd::otlp
