#pragma once
// How evenly the experts of a scenario are used, as JSON for the API.

#include <boost/json/array.hpp>

#include "replay/catalog/scenario.hpp"

namespace replayd::api {

/// One object for each pool whose experts are spread over two ranks or more: the load of the ranks by the routing law
/// and the placement of experts, and what chance adds to the busiest one in steps of few tokens. None for models
/// without experts; pools with attention/FFN disaggregation are left out, since their experts lie on the FFN servers.
[[nodiscard]] boost::json::array expert_balance_json(const Scenario& scenario);

}  // namespace replayd::api
