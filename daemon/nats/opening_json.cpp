#include "daemon/nats/opening_json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

namespace replayd::nats {

namespace json = boost::json;

std::string opening_json(const stream::Opening& opening) {
    json::array scenarios;
    for (const stream::SharedScenario& scenario : opening.scenarios) {
        scenarios.push_back(json::object{{"name", scenario.name}, {"toml", scenario.toml}});
    }
    return json::serialize(json::object{{"name", opening.name},
                                        {"scenarios", std::move(scenarios)},
                                        {"speed", opening.speed},
                                        {"created_ms", opening.created_ms},
                                        {"traced_system", opening.traced_system},
                                        {"engine_version", opening.engine_version},
                                        {"request_rows", opening.request_rows}});
}

Result<stream::Opening> parse_opening(std::string_view text) {
    try {
        const json::value value = json::parse(text);
        stream::Opening opening;
        opening.name = json::value_to<std::string>(value.at("name"));
        for (const json::value& scenario : value.at("scenarios").as_array()) {
            opening.scenarios.push_back({json::value_to<std::string>(scenario.at("name")),
                                         json::value_to<std::string>(scenario.at("toml"))});
        }
        opening.speed = value.at("speed").to_number<double>();
        opening.created_ms = value.at("created_ms").to_number<std::int64_t>();
        opening.traced_system = json::value_to<std::string>(value.at("traced_system"));
        opening.engine_version = json::value_to<std::string>(value.at("engine_version"));
        // Openings of earlier versions have no such member.
        if (const json::value* rows = value.as_object().if_contains("request_rows")) {
            opening.request_rows = json::value_to<std::string>(*rows);
        }
        return opening;
    } catch (const std::exception& error) {
        return fail(Code::io, std::string("the log does not begin with an opening of replayd: ") + error.what());
    }
}

}  // namespace replayd::nats
