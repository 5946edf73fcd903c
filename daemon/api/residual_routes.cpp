// /api/v1/runs/ID/residuals: observed against predicted.

#include <boost/json.hpp>

#include "daemon/api/answer.hpp"
#include "daemon/api/json_objects.hpp"
#include "daemon/api/routes.hpp"
#include "daemon/api/traced_difference.hpp"

namespace replayd::api {
namespace {

namespace json = boost::json;

json::value real_or_null(std::optional<double> value) { return value ? json::value(*value) : json::value(nullptr); }

json::value sums_json(const ResidualSums& sums, std::string_view unit) {
    if (sums.count == 0) return nullptr;
    const auto named = [unit](std::string_view name) { return std::string(name) + std::string(unit); };
    const auto mean = [&sums](std::int64_t sum) { return static_cast<double>(sum) / static_cast<double>(sums.count); };
    return json::object{{"count", sums.count},
                        {named("predicted_mean_"), mean(sums.predicted)},
                        {named("observed_mean_"), mean(sums.observed)},
                        {"bias", real_or_null(sums.bias())},
                        {"mape", real_or_null(sums.mape())},
                        {named("error_p50_"), sums.absolute_errors.quantile(0.5)},
                        {named("error_p90_"), sums.absolute_errors.quantile(0.9)},
                        {named("error_max_"), sums.absolute_errors.max()},
                        {"alarm", sums.alarm}};
}

json::object window_json(const ResidualWindow& window) {
    json::object object{{"start_ns", window.start.ns}, {"length_ns", window.length.value}};
    for (std::size_t i = 0; i < k_residual_metrics; ++i) {
        const bool tokens = static_cast<ResidualMetric>(i) == ResidualMetric::cached_tokens;
        object[k_residual_metric_names[i]] = sums_json(window.metrics[i], tokens ? "tokens" : "ns");
    }
    return object;
}

/// The scenario of the run; null where its text no longer makes one.
std::shared_ptr<const CompiledScenario> scenario_of(const Call& call, const storage::RunInfo& info) {
    const auto worker = call.registry.run(info.row.id);
    if (worker && worker->identity().compiled) return worker->identity().compiled;
    auto parsed = call.registry.scenarios().compile_text(info.row.scenario_toml, info.row.scenario);
    return parsed ? std::move(*parsed) : nullptr;
}

/// Where the traced server and the scenario differ.
json::array differences_json(const Call& call, const storage::RunInfo& info, const Scenario& scenario) {
    json::array list;
    const auto stream = call.registry.lookup(info.stream);
    if (!stream) return list;
    for (std::string& text : traced_differences(stream->traced_system(), scenario)) list.emplace_back(std::move(text));
    return list;
}

json::value rule_json(const DriftSpec& rule) {
    return json::object{{"window_ns", rule.window.value},
                        {"requests_min", rule.requests_min},
                        {"bias", rule.bias},
                        {"cache_bias", rule.cache_bias},
                        {"windows", rule.windows}};
}

}  // namespace

Answer list_residuals(const Call& call) {
    auto info = run_of_path(call);
    if (!info) return tl::unexpected(info.error());
    const auto range = query_windows(call.request);
    if (!range) return tl::unexpected(range.error());
    const std::int64_t run = info->row.id;
    auto windows = call.reader.residuals(run, range->from, range->limit);
    if (!windows) return tl::unexpected(windows.error());
    const auto compiled = scenario_of(call, *info);
    json::object answer{
        {"rule", nullptr}, {"differences", json::array{}}, {"alarms", json::array{}}, {"whole", nullptr}};
    if (compiled) {
        answer["rule"] = rule_json(compiled->scenario.drift);
        answer["differences"] = differences_json(call, *info, compiled->scenario);
    }
    json::array items;
    for (const ResidualWindow& window : *windows) items.push_back(window_json(window));
    if (!windows->empty()) {
        // The last window as it is stored: a merged one says what was raised in any of its windows.
        auto last = call.reader.residuals(run, windows->back().start, k_windows_max);
        if (!last) return tl::unexpected(last.error());
        for (std::size_t i = 0; i < k_residual_metrics; ++i) {
            if (last->back().metrics[i].alarm) answer["alarms"].as_array().emplace_back(k_residual_metric_names[i]);
        }
        auto whole = call.reader.residuals(run, VirtualTime(0), 1);
        if (!whole) return tl::unexpected(whole.error());
        answer["whole"] = window_json(whole->front());
    }
    answer["items"] = std::move(items);
    return json_answer(answer);
}

}  // namespace replayd::api
