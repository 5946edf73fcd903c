#pragma once
// The objects of daemon/api.md as Boost.JSON values. For the .cpp files of this folder.

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "daemon/api/run_view.hpp"
#include "daemon/stream/scenario_library.hpp"
#include "daemon/stream/shared_run.hpp"
#include "daemon/stream/stream.hpp"
#include "replay/memory/memory_plan.hpp"
#include "replay/sim/records.hpp"
#include "storage/query.hpp"

namespace replayd::api {

[[nodiscard]] boost::json::object run_json(const RunView& run);
/// `shared`: who computes its runs; empty for a stream of this process alone.
[[nodiscard]] boost::json::object stream_json(const stream::StreamStatus& status, std::span<const RunView> runs,
                                              std::span<const stream::SharedRun> shared);
/// `pools`: of the run's scenario, in order.
[[nodiscard]] boost::json::object window_json(const WindowRecord& window, std::span<const storage::PoolInfo> pools);
[[nodiscard]] boost::json::object request_json(const RequestRecord& record, std::int64_t run_id,
                                               std::string_view scenario);
/// `pool`: of the same scenario.
/// What a replica held over time; `pools` as in window_json.
[[nodiscard]] boost::json::object replica_json(const storage::ReplicaSeries& series,
                                               std::span<const storage::PoolInfo> pools);
[[nodiscard]] boost::json::object plan_json(const MemoryPlan& plan, const storage::PoolInfo& pool);
/// The item's fields.
[[nodiscard]] boost::json::object scenario_json(const Scenario& scenario, bool built_in);
/// With the text when `with_toml`.
[[nodiscard]] boost::json::object scenario_json(const stream::LibraryScenario& scenario, bool with_toml);
[[nodiscard]] boost::json::object table_json(const storage::Table& table);

/// `{"items": […]}`
[[nodiscard]] boost::json::object items_json(boost::json::array items);

}  // namespace replayd::api
