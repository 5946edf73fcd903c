// Text frames: reading.

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/stream_parser.hpp>

#include "daemon/protocol/frames.hpp"
#include "daemon/protocol/json_reader.hpp"
#include "daemon/protocol/validate.hpp"

namespace replayd::protocol::impl {

namespace {

namespace json = boost::json;

using Keys = std::span<const std::string_view>;

constexpr std::array<std::string_view, 13> k_arrival_keys = {
    "id", "arrival_ns", "prompt_tokens", "output_tokens", "conversation", "prefix_hashes", "prefix_block_tokens",
    "slo_class", "model", "observed_ttft_ns", "observed_e2e_ns", "observed_tpot_ns", "observed_cached_tokens"};
constexpr std::array<std::string_view, 6> k_system_keys = {"engine", "engine_version", "model",
                                                           "gpu",    "gpus",           "settings"};
constexpr std::array<std::string_view, 6> k_hello_keys = {"stream", "scenarios", "traced_system",
                                                         "client", "speed",     "request_rows"};
constexpr std::array<std::string_view, 3> k_batch_keys = {"seq", "arrivals", "watermark_ns"};
constexpr std::array<std::string_view, 1> k_end_keys = {"seq"};
constexpr std::array<std::string_view, 6> k_welcome_keys = {"next_seq",     "credit", "arrivals",
                                                            "watermark_ns", "ended",  "runs"};
constexpr std::array<std::string_view, 3> k_ack_keys = {"seq", "credit", "arrivals"};
constexpr std::array<std::string_view, 3> k_failure_keys = {"code", "message", "seq"};
constexpr std::array<std::string_view, 3> k_client_keys = {"hello", "batch", "end"};
constexpr std::array<std::string_view, 3> k_server_keys = {"welcome", "ack", "failure"};

constexpr const char* k_positive = "an integer of 1 or more";

void read_message(JsonReader& in, const json::value& from, const Path& path, Arrival& to) {
    JsonFields fields(in, from, path, k_arrival_keys);
    fields.required("id", to.id, "the request's id");
    fields.required("arrival_ns", to.at, "nanoseconds since the stream's epoch");
    fields.required("prompt_tokens", to.prompt, k_positive);
    fields.required("output_tokens", to.output, k_positive);
    fields.optional("conversation", to.conversation);
    fields.optional("prefix_hashes", to.prefix_hashes);
    fields.optional("prefix_block_tokens", to.prefix_block);
    fields.optional("slo_class", to.slo_class);
    fields.optional("model", to.model);
    fields.optional("observed_ttft_ns", to.observed_ttft);
    fields.optional("observed_e2e_ns", to.observed_e2e);
    fields.optional("observed_tpot_ns", to.observed_tpot);
    fields.optional("observed_cached_tokens", to.observed_cached);
}

void read_message(JsonReader& in, const json::value& from, const Path& path, TracedSystem& to) {
    JsonFields fields(in, from, path, k_system_keys);
    fields.optional("engine", to.engine);
    fields.optional("engine_version", to.engine_version);
    fields.optional("model", to.model);
    fields.optional("gpu", to.gpu);
    fields.optional("gpus", to.gpus);
    fields.optional("settings", to.settings);
}

/// Member of a message that is itself a message, or a list of them.
const json::value* member(const json::value& from, std::string_view key) {
    return from.is_object() ? from.get_object().if_contains(key) : nullptr;
}

void read_message(JsonReader& in, const json::value& from, const Path& path, Hello& to) {
    JsonFields fields(in, from, path, k_hello_keys);
    fields.required("stream", to.stream, "the name of the stream");
    fields.optional("scenarios", to.scenarios);
    fields.optional("client", to.client);
    fields.optional("speed", to.speed);
    fields.optional("request_rows", to.request_rows);
    to.speed = kept_factor(to.speed);
    if (const json::value* system = member(from, "traced_system")) {
        read_message(in, *system, path.key("traced_system"), to.traced_system);
    }
}

void read_arrivals(JsonReader& in, const json::value& from, const Path& path, std::vector<Arrival>& to) {
    const json::array* values = in.array(from, path);
    if (values == nullptr) return;
    if (auto found = arrival_count_violation(values->size())) return in.refuse(std::move(*found));
    to.resize(values->size());
    for (std::size_t i = 0; i < to.size() && in.ok(); ++i) read_message(in, (*values)[i], path.index(i), to[i]);
}

void read_message(JsonReader& in, const json::value& from, const Path& path, ArrivalBatch& to) {
    JsonFields fields(in, from, path, k_batch_keys);
    fields.required("seq", to.seq, k_positive);
    fields.optional("watermark_ns", to.watermark);
    if (const json::value* arrivals = member(from, "arrivals")) {
        read_arrivals(in, *arrivals, path.key("arrivals"), to.arrivals);
    }
}

void read_message(JsonReader& in, const json::value& from, const Path& path, End& to) {
    JsonFields(in, from, path, k_end_keys).required("seq", to.seq, k_positive);
}

void read_message(JsonReader& in, const json::value& from, const Path& path, Welcome& to) {
    JsonFields fields(in, from, path, k_welcome_keys);
    fields.required("next_seq", to.next_seq, k_positive);
    fields.required("credit", to.credit, "an integer");
    fields.optional("arrivals", to.arrivals);
    fields.optional("watermark_ns", to.watermark);
    fields.optional("ended", to.ended);
    fields.optional("runs", to.runs);
}

void read_message(JsonReader& in, const json::value& from, const Path& path, Ack& to) {
    JsonFields fields(in, from, path, k_ack_keys);
    fields.required("seq", to.seq, "an integer");
    fields.required("credit", to.credit, "an integer");
    fields.optional("arrivals", to.arrivals);
}

void read_message(JsonReader& in, const json::value& from, const Path& path, Failure& to) {
    JsonFields fields(in, from, path, k_failure_keys);
    fields.required("code", to.code, "a string");
    fields.required("message", to.message, "a string");
    fields.optional("seq", to.seq);
}

/// Reads `from` as the alternative `Message` of the frame's variant.
template <class Message, class Variant>
void read_as(JsonReader& in, const json::value& from, const Path& path, Variant& to) {
    read_message(in, from, path, to.template emplace<Message>());
}

void read_alternative(JsonReader& in, std::string_view key, const json::value& from, const Path& path,
                      ClientMessage& to) {
    if (key == "hello") read_as<Hello>(in, from, path, to);
    if (key == "batch") read_as<ArrivalBatch>(in, from, path, to);
    if (key == "end") read_as<End>(in, from, path, to);
}

void read_alternative(JsonReader& in, std::string_view key, const json::value& from, const Path& path,
                      ServerMessage& to) {
    if (key == "welcome") read_as<Welcome>(in, from, path, to);
    if (key == "ack") read_as<Ack>(in, from, path, to);
    if (key == "failure") read_as<Failure>(in, from, path, to);
}

std::string joined(Keys keys) {
    std::string text;
    for (const std::string_view key : keys) text.append(text.empty() ? "" : ", ").append(key);
    return text;
}

/// An object with exactly one of `keys`, whose value is the message of that name.
template <class Variant>
Result<Variant> message_from(const json::value& document, Keys keys) {
    JsonReader in;
    const Path root;
    Variant message;
    const json::object* object = in.object(document, root, keys);
    if (object != nullptr && object->size() != 1) {
        in.complain(root, "has " + std::to_string(object->size()) + " keys: expected exactly one of " + joined(keys));
    } else if (object != nullptr) {
        const auto& entry = *object->begin();
        const std::string_view key(entry.key().data(), entry.key().size());
        read_alternative(in, key, entry.value(), root.key(key), message);
    }
    if (!in.ok()) return tl::unexpected<Error>(*in.trouble());
    return message;
}

template <class Variant>
Result<Variant> parse_frame(std::string_view frame, Keys keys) {
    json::monotonic_resource memory;
    json::stream_parser parser(&memory);
    json::error_code error;
    const std::size_t parsed = parser.write_some(frame.data(), frame.size(), error);
    if (!error && parsed < frame.size()) error = json::error::extra_data;
    if (!error) parser.finish(error);
    if (error) {
        return fail(Code::invalid_argument, "the text frame is not JSON: " + error.message() + " at byte " +
                                                std::to_string(parsed) + ": expected an object with one of " +
                                                joined(keys));
    }
    return message_from<Variant>(parser.release(), keys);
}

}  // namespace

Result<ClientMessage> client_from_json(std::string_view frame) {
    return parse_frame<ClientMessage>(frame, k_client_keys);
}

Result<ServerMessage> server_from_json(std::string_view frame) {
    return parse_frame<ServerMessage>(frame, k_server_keys);
}

}  // namespace replayd::protocol::impl
