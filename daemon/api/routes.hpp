#pragma once
// The routes under /api/v1, each a function from a request to an answer. For the .cpp files of this folder.

#include <string>
#include <vector>

#include "daemon/api/api.hpp"
#include "daemon/api/search_folders.hpp"

namespace replayd::api {

/// One request with what its answer may use. On a thread of the task pool; `reader` belongs to it.
struct Call {
    const net::HttpRequest& request;
    std::vector<std::string> path;  ///< segments after /api/v1
    stream::StreamRegistry& registry;
    RunViews& views;
    storage::Reader& reader;
    const std::function<Result<void>(stream::Stream&)>& end_stream;
    const SearchFolders& searches;
    const SharedRuns& shared_runs;
};

using Answer = Result<net::HttpResponse>;

/// The run of a path `runs/ID…`. Errors: `invalid_argument` (no integer), `not_found`.
[[nodiscard]] Result<storage::RunInfo> run_of_path(const Call& call);

[[nodiscard]] Answer list_streams(const Call& call);
[[nodiscard]] Answer create_stream(const Call& call);
[[nodiscard]] Answer show_stream(const Call& call);
[[nodiscard]] Answer pause_stream(const Call& call);
[[nodiscard]] Answer resume_stream(const Call& call);
[[nodiscard]] Answer end_stream(const Call& call);
[[nodiscard]] Answer set_stream_speed(const Call& call);
[[nodiscard]] Answer add_stream_run(const Call& call);
[[nodiscard]] Answer fork_run(const Call& call);
[[nodiscard]] Answer stop_run(const Call& call);
[[nodiscard]] Answer forecast_run(const Call& call);

[[nodiscard]] Answer list_scenarios(const Call& call);
[[nodiscard]] Answer add_scenario(const Call& call);
[[nodiscard]] Answer show_scenario(const Call& call);
[[nodiscard]] Answer plan_scenario(const Call& call);
[[nodiscard]] Answer experts_of_scenario(const Call& call);

[[nodiscard]] Answer list_runs(const Call& call);
[[nodiscard]] Answer show_run(const Call& call);
[[nodiscard]] Answer list_windows(const Call& call);
[[nodiscard]] Answer list_residuals(const Call& call);
[[nodiscard]] Answer list_replicas(const Call& call);
[[nodiscard]] Answer list_afd_steps(const Call& call);
[[nodiscard]] Answer list_requests(const Call& call);
[[nodiscard]] Answer show_request(const Call& call);
[[nodiscard]] Answer find_requests(const Call& call);
[[nodiscard]] Answer compare_two_runs(const Call& call);
[[nodiscard]] Answer show_moment(const Call& call);
[[nodiscard]] Answer first_difference(const Call& call);
[[nodiscard]] Answer run_query(const Call& call);

[[nodiscard]] Answer list_searches(const Call& call);
[[nodiscard]] Answer show_search(const Call& call);
[[nodiscard]] Answer show_candidate(const Call& call);
/// SQL on a file of searches. Errors as of SearchFile::query, and `not_found`.
[[nodiscard]] Result<storage::Table> query_of_search(const Call& call, const std::string& name, std::string_view sql);

/// The route of the request, or 404, or 405 naming the methods that the path has.
[[nodiscard]] net::HttpResponse dispatch(const Call& call);

}  // namespace replayd::api
