#include "daemon/otlp/epoch.hpp"

#include <charconv>
#include <string_view>

#include <boost/json.hpp>

namespace replayd::otlp {
namespace {

namespace json = boost::json;

constexpr std::string_view k_epoch_key = "otlp.epoch_unix_ns";
constexpr std::string_view k_node_key = "otlp.node";

json::object parsed(const std::string& traced_system) {
    boost::system::error_code error;
    json::value value = json::parse(traced_system, error);
    return error || !value.is_object() ? json::object() : std::move(value.get_object());
}

/// Empty where there is no such text.
std::string setting(const json::object& system, std::string_view key) {
    const json::value* settings = system.if_contains("settings");
    if (settings == nullptr || !settings->is_object()) return {};
    const json::value* text = settings->get_object().if_contains(key);
    return text == nullptr || !text->is_string() ? std::string() : std::string(text->get_string());
}

}  // namespace

std::optional<SpanSource> span_source_of(const std::string& traced_system) {
    const json::object system = parsed(traced_system);
    const std::string epoch = setting(system, k_epoch_key);
    SpanSource source{0, setting(system, k_node_key)};
    const char* const last = epoch.data() + epoch.size();
    const auto [end, error] = std::from_chars(epoch.data(), last, source.epoch_unix_ns);
    if (error != std::errc() || end != last) return std::nullopt;
    return source;
}

std::string with_span_source(const std::string& traced_system, const SpanSource& source) {
    json::object system = parsed(traced_system);
    json::value& settings = system["settings"];
    if (!settings.is_object()) settings.emplace_object();
    settings.get_object()[k_epoch_key] = std::to_string(source.epoch_unix_ns);
    if (!source.node.empty()) settings.get_object()[k_node_key] = source.node;
    return json::serialize(system);
}

}  // namespace replayd::otlp
