#pragma once
// What `replayctl at` and `bisect` say of a history file without a daemon: the runs are replayed here, from the log in
// it.

#include <cstddef>
#include <optional>

#include <boost/json/object.hpp>

#include "daemon/replayctl/scenario_source.hpp"
#include "storage/query.hpp"

namespace replayd::ctl {

/// The run right before `at` (left out: where it ended, or how far the log goes of one that has not), as the daemon's
/// /api/v1/runs/ID/at. Errors: `not_found` (no such run), `invalid_argument` (`at` lies behind where the run has come
/// to, its scenario is not valid with this catalog), `failed_state` (another version computed it, or it is being taken
/// out of the file), those of the log.
[[nodiscard]] Result<boost::json::object> recorded_moment(storage::Reader& reader, const ScenarioSource& scenarios,
                                                          std::int64_t run, std::optional<std::int64_t> at_ns,
                                                          std::size_t listed);

/// Where two runs of one stream first differ, as the daemon's /api/v1/difference. Errors as above, and
/// `invalid_argument` for runs of two streams.
[[nodiscard]] Result<boost::json::object> recorded_difference(storage::Reader& reader, const ScenarioSource& scenarios,
                                                              std::int64_t run_a, std::int64_t run_b);

}  // namespace replayd::ctl
