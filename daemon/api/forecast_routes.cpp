// /api/v1/runs/ID/forecast: how long the objectives hold, and what would hold them.

#include <array>
#include <cmath>

#include <boost/json.hpp>

#include "daemon/api/answer.hpp"
#include "daemon/api/routes.hpp"
#include "daemon/stream/forecast.hpp"

namespace replayd::api {
namespace {

namespace json = boost::json;

constexpr std::size_t k_candidates_max = 16;
constexpr double k_horizon_most_s = 86'400;
constexpr std::array<const char*, 3> k_traffic_names = {"recent", "seasonal", "ramp"};

/// A number above 0 and up to `most`; `fallback` when it is absent.
Result<double> positive_member(const json::object& object, const char* name, double most, double fallback) {
    const json::value* value = object.if_contains(name);
    if (value == nullptr) return fallback;
    const double number = value->is_number() ? value->to_number<double>() : 0;
    if (number > 0 && number <= most) return number;
    return fail(Code::invalid_argument, std::string(name) + " is " + json::serialize(*value) +
                                            ": expected a number above 0, up to " + json::serialize(json::value(most)));
}

Result<void> read_seconds(const json::object& object, const char* name, double most_s, Duration& to) {
    const auto seconds = positive_member(object, name, most_s, to_seconds(to));
    if (!seconds) return tl::unexpected(seconds.error());
    to = Duration(std::llround(*seconds * 1e9));
    return {};
}

Result<stream::TrafficKind> traffic_member(const json::object& body) {
    const json::value* name = body.if_contains("traffic");
    if (name == nullptr) return stream::TrafficKind::recent;
    for (std::size_t i = 0; i < k_traffic_names.size(); ++i) {
        if (name->is_string() && name->get_string() == k_traffic_names[i]) return static_cast<stream::TrafficKind>(i);
    }
    return fail(Code::invalid_argument, "traffic is " + json::serialize(*name) + ": expected recent, seasonal or ramp");
}

Result<std::vector<std::string>> overrides_member(const json::object& candidate) {
    std::vector<std::string> overrides;
    const json::value* list = candidate.if_contains("set");
    if (list == nullptr) return overrides;
    const Error wrong{Code::invalid_argument,
                      "set is " + json::serialize(*list) + ": expected an array of \"KEY=VALUE\""};
    if (!list->is_array()) return tl::unexpected(wrong);
    for (const json::value& each : list->get_array()) {
        if (!each.is_string()) return tl::unexpected(wrong);
        overrides.emplace_back(each.get_string());
    }
    return overrides;
}

/// `{"scenario"|absent: the run's, "set":["KEY=VALUE"], "cost"|absent: its GPUs}`
Result<stream::ForecastCandidate> candidate_of(const Call& call, const storage::RunInfo& run,
                                               const json::value& value) {
    if (!value.is_object()) {
        return fail(Code::invalid_argument,
                    "candidates has " + json::serialize(value) + ": expected objects with scenario, set and cost");
    }
    const json::object& object = value.get_object();
    for (const auto& member : object) {
        if (member.key() == "scenario" || member.key() == "set" || member.key() == "cost") continue;
        return fail(Code::invalid_argument,
                    "candidates: key \"" + std::string(member.key()) + "\" is unknown: expected scenario, set or cost");
    }
    std::string toml = run.row.scenario_toml;
    stream::ForecastCandidate candidate;
    candidate.name = run.row.scenario;
    if (const json::value* name = object.if_contains("scenario")) {
        if (!name->is_string()) {
            return fail(Code::invalid_argument, "scenario is no string: expected the name of a scenario");
        }
        const auto scenario = call.registry.scenarios().find(std::string_view(name->get_string()));
        if (!scenario) return tl::unexpected(scenario.error());
        toml = (*scenario)->toml;
        candidate.name = (*scenario)->name();
    }
    const auto overrides = overrides_member(object);
    if (!overrides) return tl::unexpected(overrides.error());
    for (const std::string& setting : *overrides) candidate.name += " " + setting;
    auto compiled = call.registry.scenarios().compile_text(toml, candidate.name, *overrides);
    if (!compiled) return tl::unexpected(compiled.error());
    candidate.compiled = std::move(*compiled);
    if (object.contains("cost")) {
        const auto cost = positive_member(object, "cost", 1e15, 1);
        if (!cost) return tl::unexpected(cost.error());
        candidate.cost = *cost;
    }
    return candidate;
}

Result<stream::ForecastRequest> request_of(const Call& call, const storage::RunInfo& run, const json::object& body) {
    stream::ForecastRequest request;
    const auto traffic = traffic_member(body);
    if (!traffic) return tl::unexpected(traffic.error());
    request.traffic = *traffic;
    if (auto read = read_seconds(body, "horizon_s", k_horizon_most_s, request.horizon); !read) {
        return tl::unexpected(read.error());
    }
    if (auto read = read_seconds(body, "sample_s", k_horizon_most_s, request.sample); !read) {
        return tl::unexpected(read.error());
    }
    if (auto read = read_seconds(body, "period_s", 366 * 86'400.0, request.period); !read) {
        return tl::unexpected(read.error());
    }
    const auto growth = positive_member(body, "growth", 1000, 1);
    if (!growth) return tl::unexpected(growth.error());
    if (request.traffic == stream::TrafficKind::ramp && !body.contains("growth")) {
        return fail(Code::invalid_argument,
                    "growth is missing: expected the rate at the horizon over the rate now, with traffic ramp");
    }
    request.growth = *growth;
    const auto quantile = positive_member(body, "quantile", 1, request.quantile);
    if (!quantile) return tl::unexpected(quantile.error());
    request.quantile = *quantile;
    const json::value* candidates = body.if_contains("candidates");
    if (candidates == nullptr) return request;
    if (!candidates->is_array() || candidates->get_array().size() > k_candidates_max) {
        return fail(Code::invalid_argument,
                    "candidates is no array of at most " + std::to_string(k_candidates_max) + ": expected what to try");
    }
    for (const json::value& each : candidates->get_array()) {
        auto candidate = candidate_of(call, run, each);
        if (!candidate) return tl::unexpected(candidate.error());
        request.candidates.push_back(std::move(*candidate));
    }
    return request;
}

json::value after_or_null(const std::optional<VirtualTime>& time, VirtualTime at) {
    return time ? json::value((*time - at).value) : json::value(nullptr);
}

json::object quantiles_json(const Histogram& histogram) {
    const auto value = [&](double q) {
        return histogram.count() == 0 ? json::value(nullptr) : json::value(histogram.quantile(q));
    };
    return {{"p50_ns", value(0.5)}, {"p90_ns", value(0.9)}, {"p99_ns", value(0.99)}};
}

json::array windows_json(const std::vector<ForecastWindow>& windows) {
    const auto value = [](const std::optional<Duration>& time) {
        return time ? json::value(time->value) : json::value(nullptr);
    };
    json::array items;
    for (const ForecastWindow& window : windows) {
        items.push_back(json::object{{"start_ns", window.start.ns},
                                     {"length_ns", window.length.value},
                                     {"arrived", window.arrived},
                                     {"finished", window.finished},
                                     {"within_slo", window.within_slo},
                                     {"waiting", window.waiting},
                                     {"ttft_ns", value(window.ttft)},
                                     {"tpot_ns", value(window.tpot)}});
    }
    return items;
}

json::object line_json(const stream::ForecastLine& line, VirtualTime at) {
    const LookAheadResult& result = line.result;
    const auto objective = [](Duration limit) {
        return limit.value == 0 ? json::value(nullptr) : json::value(limit.value);
    };
    return {{"name", line.name},
            {"gpus", line.gpus},
            {"cost", line.cost},
            {"started_from", line.started == stream::StartedFrom::fork ? "fork" : "replay"},
            {"not_forked", line.not_forked.empty() ? json::value(nullptr) : json::value(line.not_forked)},
            {"slo",
             json::object{{"ttft_ns", objective(line.objectives.ttft)}, {"tpot_ns", objective(line.objectives.tpot)}}},
            {"holds", result.holds()},
            {"break_after_ns", after_or_null(result.first_break(), at)},
            {"ttft_break_after_ns", after_or_null(result.ttft_break, at)},
            {"tpot_break_after_ns", after_or_null(result.tpot_break, at)},
            {"rejects_after_ns", after_or_null(result.rejection, at)},
            {"arrived", result.arrived},
            {"finished", result.finished},
            {"rejected", result.rejected},
            {"slo_attainment", result.finished == 0 ? json::value(nullptr)
                                                    : json::value(static_cast<double>(result.within_slo) /
                                                                  static_cast<double>(result.finished))},
            {"ttft", quantiles_json(result.ttft)},
            {"tpot", quantiles_json(result.tpot)},
            {"windows", windows_json(result.windows)}};
}

}  // namespace

Answer forecast_run(const Call& call) {
    auto info = run_of_path(call);
    if (!info) return tl::unexpected(info.error());
    auto body =
        body_object(call.request, {"traffic", "horizon_s", "sample_s", "period_s", "growth", "quantile", "candidates"});
    if (!body) return tl::unexpected(body.error());
    const auto run = call.registry.run(info->row.id);
    if (!run) {
        return fail(Code::failed_state,
                    "run " + std::to_string(info->row.id) + " is over: expected one that this daemon replays");
    }
    const auto stream = call.registry.find(info->stream);
    if (!stream) return tl::unexpected(stream.error());
    auto request = request_of(call, *info, *body);
    if (!request) return tl::unexpected(request.error());
    auto forecast = stream::forecast(**stream, run, *request);
    if (!forecast) return tl::unexpected(forecast.error());
    json::array lines;
    for (const stream::ForecastLine& line : forecast->lines) lines.push_back(line_json(line, forecast->at));
    return json_answer({{"run", info->row.id},
                        {"at_ns", forecast->at.ns},
                        {"horizon_ns", request->horizon.value},
                        {"quantile", request->quantile},
                        {"traffic", json::object{{"kind", k_traffic_names[static_cast<std::size_t>(request->traffic)]},
                                                 {"growth", request->growth},
                                                 {"sample_arrivals", forecast->sample_arrivals},
                                                 {"arrivals_per_s", forecast->arrivals_per_s}}},
                        {"candidates", std::move(lines)},
                        {"cheapest", forecast->cheapest ? json::value(*forecast->cheapest) : json::value(nullptr)}});
}

}  // namespace replayd::api
