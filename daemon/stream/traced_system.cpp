#include "daemon/stream/traced_system.hpp"

#include <boost/json.hpp>

namespace replayd::stream {

std::string traced_system_json(const protocol::TracedSystem& system) {
    if (system == protocol::TracedSystem{}) return {};
    boost::json::object json;
    const auto add = [&json](std::string_view key, const std::string& value) {
        if (!value.empty()) json[key] = value;
    };
    add("engine", system.engine);
    add("engine_version", system.engine_version);
    add("model", system.model);
    add("gpu", system.gpu);
    if (system.gpus > 0) json["gpus"] = system.gpus;
    if (!system.settings.empty()) {
        boost::json::object& settings = json["settings"].emplace_object();
        for (const auto& [key, value] : system.settings) settings[key] = value;
    }
    return boost::json::serialize(json);
}

}  // namespace replayd::stream
