#pragma once
// Two runs of one stream compared, as the object of daemon/api.md.

#include <boost/json/object.hpp>

#include "storage/query.hpp"
#include "storage/run_comparison.hpp"

namespace replayd::api {

[[nodiscard]] boost::json::object comparison_json(const storage::RunComparison& comparison, const storage::RunInfo& a,
                                                  const storage::RunInfo& b, double quantile);

}  // namespace replayd::api
