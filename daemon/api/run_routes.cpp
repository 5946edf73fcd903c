// /api/v1/runs, /api/v1/requests and /api/v1/query

#include <array>

#include <boost/json.hpp>

#include "daemon/api/afd_view.hpp"
#include "daemon/api/answer.hpp"
#include "daemon/api/json_objects.hpp"
#include "daemon/api/routes.hpp"
#include "daemon/net/quoted.hpp"
#include "daemon/stream/afd_step.hpp"

namespace replayd::api {
namespace {

namespace json = boost::json;

constexpr std::int64_t k_list_max = 1000;

/// One of `names` in the query string, the first one when absent.
template <std::size_t n>
Result<std::size_t> query_choice(const Call& call, const std::string& key, const std::array<const char*, n>& names) {
    const auto found = call.request.query.find(key);
    if (found == call.request.query.end()) return std::size_t{0};
    std::string expected;
    for (std::size_t i = 0; i < n; ++i) {
        if (found->second == names[i]) return i;
        expected += std::string(i == 0 ? "" : i + 1 == n ? " or " : ", ") + names[i];
    }
    return fail(Code::invalid_argument, key + " is " + net::quoted(found->second) + ": expected " + expected);
}

}  // namespace

Result<storage::RunInfo> run_of_path(const Call& call) {
    auto id = path_integer(call.path[1], "the run's id");
    if (!id) return tl::unexpected(id.error());
    return call.reader.run(*id);
}

Answer list_runs(const Call& call) {
    auto limit = query_integer(call.request, "limit", 1, k_list_max, 100);
    if (!limit) return tl::unexpected(limit.error());
    const auto stream = call.request.query.find("stream");
    storage::RunFilter filter;
    filter.limit = static_cast<std::size_t>(*limit);
    if (stream != call.request.query.end()) {
        if (auto known = call.registry.find(stream->second); !known) return tl::unexpected(known.error());
        filter.stream = stream->second;
    }
    auto runs = call.reader.runs(filter);
    if (!runs) return tl::unexpected(runs.error());
    json::array items;
    for (const storage::RunInfo& run : *runs) {
        auto view = call.views.get(call.reader, run);
        if (!view) return tl::unexpected(view.error());
        items.push_back(run_json(*view));
    }
    return json_answer(items_json(std::move(items)));
}

Answer show_run(const Call& call) {
    auto info = run_of_path(call);
    if (!info) return tl::unexpected(info.error());
    auto view = call.views.get(call.reader, *info);
    if (!view) return tl::unexpected(view.error());
    auto plans = call.reader.plans(info->row.id);
    if (!plans) return tl::unexpected(plans.error());
    json::array list;
    for (std::size_t i = 0; i < plans->size() && i < info->pools.size(); ++i) {
        list.push_back(plan_json((*plans)[i], info->pools[i]));
    }
    json::object object = run_json(*view);
    object["scenario_toml"] = info->row.scenario_toml;
    object["plans"] = std::move(list);
    return json_answer(object);
}

Answer list_windows(const Call& call) {
    auto info = run_of_path(call);
    if (!info) return tl::unexpected(info.error());
    const auto range = query_windows(call.request);
    if (!range) return tl::unexpected(range.error());
    auto windows = call.reader.windows(info->row.id, range->from, range->limit);
    if (!windows) return tl::unexpected(windows.error());
    json::array items;
    for (const WindowRecord& window : *windows) items.push_back(window_json(window, info->pools));
    return json_answer(items_json(std::move(items)));
}

Answer list_replicas(const Call& call) {
    auto info = run_of_path(call);
    if (!info) return tl::unexpected(info.error());
    auto limit = query_integer(call.request, "limit", 1, k_list_max, 300);
    if (!limit) return tl::unexpected(limit.error());
    auto replicas = call.reader.replicas(info->row.id, static_cast<std::size_t>(*limit));
    if (!replicas) return tl::unexpected(replicas.error());
    json::array items;
    for (const storage::ReplicaSeries& series : *replicas) items.push_back(replica_json(series, info->pools));
    return json_answer(items_json(std::move(items)));
}

Answer list_afd_steps(const Call& call) {
    auto info = run_of_path(call);
    if (!info) return tl::unexpected(info.error());
    json::array items;
    const auto run = call.registry.run(info->row.id);
    const auto window = run ? run->progress().status().last_busy : nullptr;
    if (!window) return json_answer(items_json(std::move(items)));
    for (const stream::AfdStep& step : stream::afd_steps(*run->identity().compiled, *window)) {
        json::object item = afd_step_json(*step.cost, step.cost->view(step.ranks), step.ranks, step.layers);
        item["pool"] = step.pool;
        item["window_start_ns"] = window->start.ns;
        item["ranks"] = step.ranks.size();
        item["sequences_per_rank"] = step.ranks.front().decode_sequences;
        item["context_tokens"] = step.ranks.front().decode_context / step.ranks.front().decode_sequences;
        items.push_back(std::move(item));
    }
    return json_answer(items_json(std::move(items)));
}

Answer list_requests(const Call& call) {
    static constexpr std::array<const char*, 3> orders = {"recent", "slowest_ttft", "slowest_e2e"};
    static constexpr std::array<const char*, 3> outcomes = {"any", "finished", "rejected"};
    auto info = run_of_path(call);
    if (!info) return tl::unexpected(info.error());
    auto limit = query_integer(call.request, "limit", 1, k_list_max, 50);
    if (!limit) return tl::unexpected(limit.error());
    auto order = query_choice(call, "order", orders);
    if (!order) return tl::unexpected(order.error());
    auto outcome = query_choice(call, "outcome", outcomes);
    if (!outcome) return tl::unexpected(outcome.error());
    storage::RequestFilter filter;
    filter.limit = static_cast<std::size_t>(*limit);
    filter.order = static_cast<storage::RequestOrder>(*order);
    if (*outcome > 0) filter.outcome = *outcome == 1 ? Outcome::finished : Outcome::rejected;
    auto requests = call.reader.requests(info->row.id, filter);
    if (!requests) return tl::unexpected(requests.error());
    json::array items;
    for (const RequestRecord& record : *requests) {
        items.push_back(request_json(record, info->row.id, info->row.scenario));
    }
    return json_answer(items_json(std::move(items)));
}

Answer show_request(const Call& call) {
    auto info = run_of_path(call);
    if (!info) return tl::unexpected(info.error());
    auto sequence = path_integer(call.path[3], "the request's sequence");
    if (!sequence) return tl::unexpected(sequence.error());
    auto record = call.reader.request(info->row.id, *sequence);
    if (!record) return tl::unexpected(record.error());
    return json_answer(request_json(*record, info->row.id, info->row.scenario));
}

Answer find_requests(const Call& call) {
    std::optional<std::int64_t> run;
    if (call.request.query.count("run") > 0) {
        auto id = query_integer(call.request, "run", 1, INT64_MAX, 0);
        if (!id) return tl::unexpected(id.error());
        run = *id;
    }
    auto found = call.reader.requests_by_id(call.path[1], run);
    if (!found) return tl::unexpected(found.error());
    json::array items;
    for (const storage::RunRequest& request : *found) {
        items.push_back(request_json(request.record, request.run_id, request.scenario));
    }
    return json_answer(items_json(std::move(items)));
}

Answer run_query(const Call& call) {
    auto body = body_object(call.request, {"sql", "search"});
    if (!body) return tl::unexpected(body.error());
    const json::value* sql = body->if_contains("sql");
    if (sql == nullptr || !sql->is_string()) {
        return fail(Code::invalid_argument, "sql is missing or no string: expected one SELECT statement");
    }
    const std::string_view text = sql->get_string();
    const json::value* search = body->if_contains("search");
    if (search != nullptr && !search->is_string()) {
        return fail(Code::invalid_argument, "search is no string: expected the name of a file of searches");
    }
    auto table = search == nullptr ? call.reader.query(text)
                                   : query_of_search(call, std::string(search->get_string()), text);
    if (!table) return tl::unexpected(table.error());
    return json_answer(table_json(*table));
}

}  // namespace replayd::api
