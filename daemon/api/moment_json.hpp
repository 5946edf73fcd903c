#pragma once
// Moments of runs and first differences, as the objects of daemon/api.md.

#include <string>

#include <boost/json/object.hpp>

#include "daemon/stream/time_travel.hpp"
#include "storage/query.hpp"

namespace replayd::api {

[[nodiscard]] boost::json::object moment_json(const stream::TravelledMoment& travelled, const storage::RunInfo& run);

/// Error `invalid_argument` when a scenario's text is not TOML.
[[nodiscard]] Result<boost::json::object> difference_json(const stream::RunsDifference& difference,
                                                          const storage::RunInfo& a, const storage::RunInfo& b);

}  // namespace replayd::api
