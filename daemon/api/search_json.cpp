#include "daemon/api/search_json.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <boost/json.hpp>

namespace replayd::api {
namespace {

namespace json = boost::json;
using search::Measured;
using search::MethodKind;
using search::Outcomes;
using search::SearchSpec;
using search::Space;
using search::Trial;

/// Reasons why candidates are not possible that are told apart.
constexpr std::size_t k_reasons_max = 100;

json::value limit_json(Duration limit) {
    return limit.value > 0 ? json::value(limit.value) : json::value(nullptr);
}

json::object objective_json(const search::Objective& objective) {
    return {{"ttft_p99_ns", limit_json(objective.ttft_p99)},
            {"tpot_p99_ns", limit_json(objective.tpot_p99)},
            {"e2e_p99_ns", limit_json(objective.e2e_p99)},
            {"attainment", objective.attainment > 0 ? json::value(objective.attainment) : json::value(nullptr)}};
}

json::object item_json(const std::string& file, const storage::SearchFacts& facts, const SearchSpec& spec) {
    return {{"file", file},
            {"id", facts.identity},
            {"base", spec.base},
            {"trace", facts.trace},
            {"arrivals", facts.arrivals},
            {"engine_version", facts.engine_version},
            {"method", search::method_name(spec.method.kind)},
            {"objective", objective_json(spec.objective)},
            {"load", static_cast<double>(spec.load_permille) / 1000},
            {"candidates", Space(spec.axes).size()}};
}

json::array axes_json(const SearchSpec& spec) {
    json::array out;
    for (const search::Axis& axis : spec.axes) {
        out.push_back({{"name", axis.name}, {"alternatives", axis.alternatives.size()}, {"rising", axis.rising}});
    }
    return out;
}

/// Each reason with how many trials it kept from running and the settings of the first, the most frequent first.
json::array reasons_json(const Space& space, const Outcomes& outcomes) {
    struct Kept {
        std::int64_t count = 0;
        std::int64_t first = 0;
    };
    std::map<std::string, Kept> reasons;
    for (const auto& [trial, measured] : outcomes) {
        if (measured.possible) continue;
        auto& kept = reasons.try_emplace(measured.reason, Kept{0, trial.candidate}).first->second;
        ++kept.count;
    }
    std::vector<std::pair<std::string, Kept>> order(reasons.begin(), reasons.end());
    std::stable_sort(order.begin(), order.end(),
                     [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
    json::array out;
    for (std::size_t i = 0; i < std::min(order.size(), k_reasons_max); ++i) {
        const auto& [reason, kept] = order[i];
        out.push_back({{"reason", reason},
                       {"count", kept.count},
                       {"candidate", kept.first},
                       {"settings", json::value_from(space.settings(kept.first))}});
    }
    return out;
}

/// Trials that count, the best first, and whether the method wants more.
struct Judged {
    std::vector<Trial> results;
    json::value ended;  ///< null: cannot be told
};

Judged judged(const SearchSpec& spec, const Space& space, const Outcomes& outcomes, std::int64_t arrivals) {
    // Prices would take every candidate's text. Without them that method wants something as long as any candidate is
    // untried.
    std::vector<double> prices;
    const bool by_price = spec.method.kind == MethodKind::cheapest;
    if (by_price) prices.resize(static_cast<std::size_t>(space.size()));
    const auto method = search::make_method(spec.method, space, spec.objective, arrivals, std::move(prices));
    const bool all_tried = method->next(outcomes).empty();
    return {search::ranked(method->results(outcomes), outcomes, spec.objective),
            by_price && !all_tried ? json::value(nullptr) : json::value(all_tried)};
}

}  // namespace

json::object trial_json(const SearchSpec& spec, const Space& space, const Outcomes& outcomes, const Trial& trial,
                        const search::Fronts& fronts) {
    const Measured& measured = outcomes.at(trial);
    json::object out{{"candidate", trial.candidate},
                     {"settings", json::value_from(space.settings(trial.candidate))},
                     {"arrivals", trial.arrivals},
                     {"load", static_cast<double>(trial.load_permille) / 1000},
                     {"possible", measured.possible}};
    if (!measured.possible) {
        out["reason"] = measured.reason;
        return out;
    }
    out["gpus"] = measured.gpus;
    out["price_per_hour"] = measured.price_per_hour;
    if (measured.prefill_replicas > 0) {
        out["prefill"] = json::object{{"replicas", measured.prefill_replicas}, {"gpus", measured.prefill_gpus}};
        out["decode"] = json::object{{"replicas", measured.decode_replicas}, {"gpus", measured.decode_gpus}};
    }
    if (measured.stopped_after > 0) out["stopped_after"] = measured.stopped_after;
    if (measured.output_tokens.value > 0) out["price_per_million_tokens"] = search::price_per_million_tokens(measured);
    out["holds"] = search::holds(measured, spec.objective);
    out["excess"] = search::excess(measured, spec.objective);
    out["ttft_p99_ns"] = measured.ttft_p99.value;
    out["tpot_p99_ns"] = measured.tpot_p99.value;
    out["e2e_p99_ns"] = measured.e2e_p99.value;
    out["finished"] = measured.finished;
    out["rejected"] = measured.rejected;
    out["goodput_per_s"] = search::goodput(measured);
    out["output_tokens_per_s_per_gpu"] = search::throughput_per_gpu(measured);
    out["hash"] = measured.hash;
    for (const search::FrontKind& kind : search::k_fronts) {
        out["front_" + std::string(kind.name)] = fronts.has(kind, trial);
    }
    return out;
}

json::object search_item_json(const std::string& file, const storage::StoredSearch& stored, const SearchSpec& spec) {
    json::object out = item_json(file, stored.facts, spec);
    out["trials"] = stored.trials;
    out["possible"] = stored.possible;
    return out;
}

json::object search_json(const std::string& file, const storage::SearchFacts& facts, const SearchSpec& spec,
                         const Outcomes& outcomes, std::size_t trials_max) {
    const Space space(spec.axes);
    const Judged found = judged(spec, space, outcomes, facts.arrivals);
    const search::Fronts fronts(found.results, outcomes);
    std::set<std::int64_t> tried;
    std::int64_t possible = 0;
    for (const auto& [trial, measured] : outcomes) {
        tried.insert(trial.candidate);
        possible += measured.possible ? 1 : 0;
    }
    json::array results;
    std::int64_t left_out = 0;
    for (const Trial& trial : found.results) {
        if (!outcomes.at(trial).possible) continue;
        if (results.size() == trials_max)
            ++left_out;
        else
            results.push_back(trial_json(spec, space, outcomes, trial, fronts));
    }
    json::object out = item_json(file, facts, spec);
    out["trials"] = outcomes.size();
    out["possible"] = possible;
    out["tried"] = tried.size();
    out["skipped"] = space.size() - static_cast<std::int64_t>(tried.size());
    out["ended"] = found.ended;
    out["axes"] = axes_json(spec);
    out["gpus_max"] = spec.gpus_max > 0 ? json::value(spec.gpus_max) : json::value(nullptr);
    out["prices"] = json::value_from(spec.prices);
    out["stop_early"] = spec.method.stop_early;
    out["results"] = std::move(results);
    out["left_out"] = left_out;
    out["not_possible"] = reasons_json(space, outcomes);
    return out;
}

}  // namespace replayd::api
