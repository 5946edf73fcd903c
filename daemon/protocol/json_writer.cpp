// Text frames: writing. Fields at their default are left out, except those that a reader requires.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/protocol/frames.hpp"

namespace replayd::protocol::impl {
namespace {

namespace json = boost::json;

/// Beyond it a double, the number type of JavaScript, is no longer exact (ECMA-262, MAX_SAFE_INTEGER).
constexpr std::int64_t k_exact_in_double = (std::int64_t{1} << 53) - 1;

/// An integer that every reader gets exactly: a number where that is safe, else a decimal string.
json::value exact(std::int64_t number) {
    if (number >= -k_exact_in_double && number <= k_exact_in_double) return number;
    return json::value(std::to_string(number));
}

json::value exact(std::uint64_t number) {
    if (number <= static_cast<std::uint64_t>(k_exact_in_double)) return number;
    return json::value(std::to_string(number));
}

void put_text(json::object& to, const char* key, const std::string& text) {
    if (!text.empty()) to[key] = text;
}

template <class Texts>
json::array texts(const Texts& from) {
    json::array to;
    to.reserve(from.size());
    for (const std::string& text : from) to.emplace_back(text);
    return to;
}

json::object object_of(const Arrival& from) {
    json::object to;
    to["id"] = from.id;
    to["arrival_ns"] = exact(from.at.ns);
    to["prompt_tokens"] = exact(from.prompt.value);
    to["output_tokens"] = exact(from.output.value);
    put_text(to, "conversation", from.conversation);
    if (!from.prefix_hashes.empty()) {
        json::array hashes;
        hashes.reserve(from.prefix_hashes.size());
        for (const std::uint64_t hash : from.prefix_hashes) hashes.push_back(exact(hash));
        to["prefix_hashes"] = std::move(hashes);
    }
    if (from.prefix_block.value != 0) to["prefix_block_tokens"] = exact(from.prefix_block.value);
    put_text(to, "slo_class", from.slo_class);
    put_text(to, "model", from.model);
    if (from.observed_ttft) to["observed_ttft_ns"] = exact(from.observed_ttft->value);
    if (from.observed_e2e) to["observed_e2e_ns"] = exact(from.observed_e2e->value);
    if (from.observed_tpot) to["observed_tpot_ns"] = exact(from.observed_tpot->value);
    if (from.observed_cached) to["observed_cached_tokens"] = exact(from.observed_cached->value);
    return to;
}

json::object object_of(const TracedSystem& from) {
    json::object to;
    put_text(to, "engine", from.engine);
    put_text(to, "engine_version", from.engine_version);
    put_text(to, "model", from.model);
    put_text(to, "gpu", from.gpu);
    if (from.gpus != 0) to["gpus"] = exact(from.gpus);
    if (!from.settings.empty()) {
        json::object& settings = to["settings"].emplace_object();
        for (const auto& [key, value] : from.settings) settings[key] = value;
    }
    return to;
}

json::object object_of(const Hello& from) {
    json::object to;
    to["stream"] = from.stream;
    if (!from.scenarios.empty()) to["scenarios"] = texts(from.scenarios);
    if (from.traced_system != TracedSystem{}) to["traced_system"] = object_of(from.traced_system);
    put_text(to, "client", from.client);
    if (from.speed != 0) to["speed"] = from.speed;
    put_text(to, "request_rows", from.request_rows);
    return to;
}

json::object object_of(const ArrivalBatch& from) {
    json::object to;
    to["seq"] = exact(from.seq);
    json::array& arrivals = to["arrivals"].emplace_array();
    arrivals.reserve(from.arrivals.size());
    for (const Arrival& arrival : from.arrivals) arrivals.emplace_back(object_of(arrival));
    if (from.watermark) to["watermark_ns"] = exact(from.watermark->ns);
    return to;
}

json::object object_of(const End& from) { return {{"seq", exact(from.seq)}}; }

json::object object_of(const Welcome& from) {
    return {{"next_seq", exact(from.next_seq)},
            {"credit", exact(from.credit)},
            {"arrivals", exact(from.arrivals)},
            {"watermark_ns", exact(from.watermark.ns)},
            {"ended", from.ended},
            {"runs", texts(from.runs)}};
}

json::object object_of(const Ack& from) {
    return {{"seq", exact(from.seq)}, {"credit", exact(from.credit)}, {"arrivals", exact(from.arrivals)}};
}

json::object object_of(const Failure& from) {
    return {{"code", from.code}, {"message", from.message}, {"seq", exact(from.seq)}};
}

const char* name_of(const Hello&) { return "hello"; }
const char* name_of(const ArrivalBatch&) { return "batch"; }
const char* name_of(const End&) { return "end"; }
const char* name_of(const Welcome&) { return "welcome"; }
const char* name_of(const Ack&) { return "ack"; }
const char* name_of(const Failure&) { return "failure"; }

template <class Variant>
std::string text_of(const Variant& message) {
    return std::visit(
        [](const auto& m) {
            json::object frame;
            frame[name_of(m)] = object_of(m);
            return json::serialize(frame);
        },
        message);
}

}  // namespace

std::string to_json(const ClientMessage& message) { return text_of(message); }
std::string to_json(const ServerMessage& message) { return text_of(message); }

}  // namespace replayd::protocol::impl
