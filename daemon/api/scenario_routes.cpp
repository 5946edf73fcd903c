// /api/v1/scenarios

#include <boost/json.hpp>

#include "daemon/api/answer.hpp"
#include "daemon/api/expert_view.hpp"
#include "daemon/api/json_objects.hpp"
#include "daemon/api/routes.hpp"

namespace replayd::api {

Answer list_scenarios(const Call& call) {
    boost::json::array items;
    for (const auto& scenario : call.registry.scenarios().all())
        items.push_back(scenario_json(scenario.scenario, scenario.built_in));
    return json_answer(items_json(std::move(items)));
}

Answer add_scenario(const Call& call) {
    const auto type = call.request.headers.find("content-type");
    if (type == call.request.headers.end() || type->second.rfind("application/toml", 0) != 0) {
        return fail(Code::invalid_argument, "content-type is " +
                                                (type == call.request.headers.end() ? "missing" : type->second) +
                                                ": expected application/toml with a scenario as the body");
    }
    auto added = call.registry.scenarios().add(call.request.body, "body", false);
    if (!added) return tl::unexpected(added.error());
    return json_answer(scenario_json(**added, true), 201);
}

Answer show_scenario(const Call& call) {
    auto scenario = call.registry.scenarios().find(call.path[1]);
    if (!scenario) return tl::unexpected(scenario.error());
    return json_answer(scenario_json(**scenario, true));
}

Answer plan_scenario(const Call& call) {
    auto scenario = call.registry.scenarios().find(call.path[1]);
    if (!scenario) return tl::unexpected(scenario.error());
    const auto pools = pools_of((*scenario)->scenario());
    boost::json::array plans;
    for (std::size_t i = 0; i < pools.size(); ++i) {
        plans.push_back(plan_json((*scenario)->compiled->plans[i], pools[i]));
    }
    return json_answer({{"scenario", (*scenario)->name()}, {"pools", std::move(plans)}});
}

Answer experts_of_scenario(const Call& call) {
    auto scenario = call.registry.scenarios().find(call.path[1]);
    if (!scenario) return tl::unexpected(scenario.error());
    return json_answer({{"scenario", (*scenario)->name()}, {"pools", expert_balance_json((*scenario)->scenario())}});
}

}  // namespace replayd::api
