#include "daemon/api/comparison_json.hpp"

#include <boost/json.hpp>

#include "daemon/api/json_objects.hpp"

namespace replayd::api {
namespace {

namespace json = boost::json;

json::object run_name_json(const storage::RunInfo& run) {
    return {
        {"run", run.row.id},
        {"scenario", run.row.scenario},
        {"gpus", run.gpus},
        {"slo",
         json::object{{"ttft_ns", run.slo_ttft.value == 0 ? json::value(nullptr) : json::value(run.slo_ttft.value)},
                      {"tpot_ns", run.slo_tpot.value == 0 ? json::value(nullptr) : json::value(run.slo_tpot.value)}}}};
}

json::value differences_json(const SignedHistogram& differences) {
    if (differences.count() == 0) return nullptr;
    return json::object{{"count", differences.count()},
                        {"mean_ns", static_cast<double>(differences.sum()) / static_cast<double>(differences.count())},
                        {"min_ns", differences.min()},
                        {"p1_ns", differences.quantile(0.01)},
                        {"p10_ns", differences.quantile(0.1)},
                        {"p50_ns", differences.quantile(0.5)},
                        {"p90_ns", differences.quantile(0.9)},
                        {"p99_ns", differences.quantile(0.99)},
                        {"max_ns", differences.max()}};
}

template <std::size_t n>
json::object named_sums(const std::array<std::string_view, n>& names, const std::array<Duration, n>& sums) {
    json::object object;
    for (std::size_t i = 0; i < n; ++i) object[names[i]] = sums[i].value;
    return object;
}

json::object breaks_json(const storage::ObjectiveBreaks& breaks) {
    const auto time = [](const std::optional<VirtualTime>& at) {
        return at ? json::value(at->ns) : json::value(nullptr);
    };
    const bool both = breaks.a && breaks.b;
    return {{"a_ns", time(breaks.a)},
            {"b_ns", time(breaks.b)},
            {"b_earlier_by_ns", both ? json::value((*breaks.a - *breaks.b).value) : json::value(nullptr)}};
}

json::object pair_json(const storage::RequestPair& pair, const storage::RunInfo& a, const storage::RunInfo& b) {
    std::array<Duration, k_ledger_parts> ledger{};
    std::array<Duration, k_blame_causes> blame{};
    for (std::size_t i = 0; i < k_ledger_parts; ++i) ledger[i] = pair.b.ledger.parts[i] - pair.a.ledger.parts[i];
    for (std::size_t i = 0; i < k_blame_causes; ++i) blame[i] = pair.b.blame.causes[i] - pair.a.blame.causes[i];
    return {{"sequence", pair.a.sequence},
            {"id", pair.a.id},
            {"ttft_ns", (pair.b.ttft() - pair.a.ttft()).value},
            {"e2e_ns", (pair.b.e2e() - pair.a.e2e()).value},
            {"ledger_ns", named_sums(k_ledger_part_names, ledger)},
            {"blame_ns", named_sums(k_blame_cause_names, blame)},
            {"a", request_json(pair.a, a.row.id, a.row.scenario)},
            {"b", request_json(pair.b, b.row.id, b.row.scenario)}};
}

}  // namespace

json::object comparison_json(const storage::RunComparison& comparison, const storage::RunInfo& a,
                             const storage::RunInfo& b, double quantile) {
    json::array requests;
    for (const storage::RequestPair& pair : comparison.requests) requests.push_back(pair_json(pair, a, b));
    return {{"stream", a.stream},
            {"a", run_name_json(a)},
            {"b", run_name_json(b)},
            {"request_rows", comparison.request_rows},
            {"pairs", comparison.pairs},
            {"only_a", comparison.only_a},
            {"only_b", comparison.only_b},
            {"differ", comparison.differ},
            {"b_slower", comparison.slower},
            {"b_faster", comparison.faster},
            {"rejected_by_a", comparison.rejected_by_a},
            {"rejected_by_b", comparison.rejected_by_b},
            {"ttft", differences_json(comparison.ttft)},
            {"tpot", differences_json(comparison.tpot)},
            {"e2e", differences_json(comparison.e2e)},
            {"ledger_ns", named_sums(k_ledger_part_names, comparison.ledger)},
            {"blame_ns", named_sums(k_blame_cause_names, comparison.blame.causes)},
            {"breaks", json::object{{"quantile", quantile},
                                    {"ttft", breaks_json(comparison.ttft_breaks)},
                                    {"tpot", breaks_json(comparison.tpot_breaks)}}},
            {"requests", std::move(requests)}};
}

}  // namespace replayd::api
