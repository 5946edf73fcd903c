#include "daemon/otlp/epoch.hpp"

#include <charconv>
#include <string_view>

#include <boost/json.hpp>

namespace replayd::otlp {
namespace {

namespace json = boost::json;

constexpr std::string_view k_key = "otlp.epoch_unix_ns";

json::object parsed(const std::string& traced_system) {
    boost::system::error_code error;
    json::value value = json::parse(traced_system, error);
    return error || !value.is_object() ? json::object() : std::move(value.get_object());
}

}  // namespace

std::optional<std::int64_t> epoch_of(const std::string& traced_system) {
    const json::object system = parsed(traced_system);
    const json::value* settings = system.if_contains("settings");
    if (settings == nullptr || !settings->is_object()) return std::nullopt;
    const json::value* epoch = settings->get_object().if_contains(k_key);
    if (epoch == nullptr || !epoch->is_string()) return std::nullopt;
    const std::string_view text = epoch->get_string();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::string with_epoch(const std::string& traced_system, std::int64_t epoch_unix_ns) {
    json::object system = parsed(traced_system);
    json::value& settings = system["settings"];
    if (!settings.is_object()) settings.emplace_object();
    settings.get_object()[k_key] = std::to_string(epoch_unix_ns);
    return json::serialize(system);
}

}  // namespace replayd::otlp
