#include "daemon/api/routes.hpp"

#include <array>
#include <string_view>

#include "daemon/api/answer.hpp"
#include "daemon/net/problem.hpp"
#include "daemon/net/quoted.hpp"

namespace replayd::api {
namespace {

struct Route {
    std::string_view method;
    std::string_view pattern;  ///< segments joined by '/'; "*" stands for any one
    Answer (*answer)(const Call&);
};

constexpr std::array<Route, 32> k_routes = {{
    {"GET", "streams", list_streams},
    {"POST", "streams", create_stream},
    {"GET", "streams/*", show_stream},
    {"POST", "streams/*/pause", pause_stream},
    {"POST", "streams/*/resume", resume_stream},
    {"POST", "streams/*/end", end_stream},
    {"POST", "streams/*/speed", set_stream_speed},
    {"POST", "streams/*/runs", add_stream_run},
    {"POST", "runs/*/fork", fork_run},
    {"POST", "runs/*/stop", stop_run},
    {"POST", "runs/*/forecast", forecast_run},
    {"GET", "scenarios", list_scenarios},
    {"POST", "scenarios", add_scenario},
    {"GET", "scenarios/*", show_scenario},
    {"GET", "scenarios/*/plan", plan_scenario},
    {"GET", "scenarios/*/experts", experts_of_scenario},
    {"GET", "runs", list_runs},
    {"GET", "runs/*", show_run},
    {"GET", "runs/*/windows", list_windows},
    {"GET", "runs/*/residuals", list_residuals},
    {"GET", "runs/*/replicas", list_replicas},
    {"GET", "runs/*/afd", list_afd_steps},
    {"GET", "runs/*/requests", list_requests},
    {"GET", "runs/*/requests/*", show_request},
    {"GET", "requests/*", find_requests},
    {"GET", "runs/*/at", show_moment},
    {"GET", "compare", compare_two_runs},
    {"GET", "difference", first_difference},
    {"POST", "query", run_query},
    {"GET", "searches", list_searches},
    {"GET", "searches/*/*", show_search},
    {"GET", "searches/*/*/candidates/*", show_candidate},
}};

bool matches(std::string_view pattern, const std::vector<std::string>& path) {
    for (const std::string& segment : path) {
        const std::size_t slash = pattern.find('/');
        const std::string_view wanted = pattern.substr(0, slash);
        if (pattern.empty() || (wanted != "*" && wanted != segment)) return false;
        pattern = slash == std::string_view::npos ? std::string_view() : pattern.substr(slash + 1);
    }
    return pattern.empty();
}

}  // namespace

net::HttpResponse dispatch(const Call& call) {
    std::string allowed;
    for (const Route& route : k_routes) {
        if (!matches(route.pattern, call.path)) continue;
        if (route.method == call.request.method) {
            Answer answer = route.answer(call);
            return answer ? std::move(*answer) : problem(answer.error());
        }
        allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
    }
    if (allowed.empty()) {
        return problem(Error{Code::not_found, "no such path: " + net::quoted(call.request.path) +
                                                  "; daemon/api.md lists those under /api/v1"});
    }
    net::HttpResponse response = net::problem(405, "method_not_allowed",
                                              call.request.method + " " + call.request.path + ": expected " + allowed);
    response.headers.emplace_back("allow", allowed);
    return response;
}

}  // namespace replayd::api
