// Runs of a stream that has begun: added, forked, stopped.

#include <boost/json.hpp>

#include "daemon/api/answer.hpp"
#include "daemon/api/json_objects.hpp"
#include "daemon/api/routes.hpp"

namespace replayd::api {
namespace {

namespace json = boost::json;

Result<std::string> scenario_member(const json::object& body) {
    const json::value* name = body.if_contains("scenario");
    if (name != nullptr && name->is_string()) return std::string(name->get_string());
    return fail(Code::invalid_argument, "scenario is missing or no string: expected the name of a scenario");
}

Result<std::optional<VirtualTime>> moment_member(const json::object& body) {
    const json::value* at = body.if_contains("at_ns");
    if (at == nullptr) return std::nullopt;
    boost::system::error_code wrong;
    const auto ns = at->to_number<std::int64_t>(wrong);
    if (!wrong) return VirtualTime(ns);
    return fail(Code::invalid_argument,
                "at_ns is " + json::serialize(*at) + ": expected whole nanoseconds since the stream's epoch");
}

Answer run_answer(const stream::RunWorker& run, unsigned status) {
    return json_answer(run_json(view_of(run, false)), status);
}

}  // namespace

Answer add_stream_run(const Call& call) {
    auto body = body_object(call.request, {"scenario"});
    if (!body) return tl::unexpected(body.error());
    auto scenario = scenario_member(*body);
    if (!scenario) return tl::unexpected(scenario.error());
    auto run = call.registry.add_run(call.path[1], *scenario);
    if (!run) return tl::unexpected(run.error());
    return run_answer(**run, 201);
}

Answer fork_run(const Call& call) {
    auto info = run_of_path(call);
    if (!info) return tl::unexpected(info.error());
    auto body = body_object(call.request, {"scenario", "at_ns"});
    if (!body) return tl::unexpected(body.error());
    auto scenario = scenario_member(*body);
    if (!scenario) return tl::unexpected(scenario.error());
    auto at = moment_member(*body);
    if (!at) return tl::unexpected(at.error());
    auto run = call.registry.fork_run(*info, *scenario, *at, call.reader);
    if (!run) return tl::unexpected(run.error());
    return run_answer(**run, 201);
}

Answer stop_run(const Call& call) {
    auto info = run_of_path(call);
    if (!info) return tl::unexpected(info.error());
    if (auto stopped = call.registry.stop_run(info->row.id); !stopped) return tl::unexpected(stopped.error());
    auto view = call.views.get(call.reader, *info);
    if (!view) return tl::unexpected(view.error());
    return json_answer(run_json(*view), 202);
}

}  // namespace replayd::api
