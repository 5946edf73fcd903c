#include "daemon/replayctl/search_report.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/api/search_json.hpp"
#include "daemon/replayctl/csv_text.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/search_front.hpp"
#include "daemon/replayctl/text_table.hpp"
#include "replay/search/fronts.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;
using search::Fronts;
using search::Measured;
using search::Trial;

constexpr std::size_t k_rows_shown = 12;
constexpr std::size_t k_reasons_shown = 5;

std::string load_text(const Trial& trial) {
    return decimal_text(static_cast<double>(trial.load_permille) / 1000, 2) + " ×";
}

/// The fronts of price against latency; those of throughput are in the files.
std::string fronts_text(const Fronts& fronts, const Trial& trial) {
    std::string out;
    for (const auto& kind : search::k_fronts) {
        if (kind.yield != search::Yield::price || !fronts.has(kind, trial)) continue;
        out += (out.empty() ? "" : ", ") + std::string(kind.latency == search::Latency::ttft ? "TTFT" : "TPOT");
    }
    return out;
}

std::string objective_text(const Measured& measured, double missed) {
    if (missed <= 1) return "held";
    if (measured.stopped_after > 0) return "missed after " + count_text(measured.stopped_after) + " arrivals";
    return "missed, × " + decimal_text(missed, 2);
}

std::string rows_text(const SearchResult& result) {
    TextTable table({{"candidate"},
                     {"load", Align::right},
                     {"GPUs", Align::right},
                     {"per hour", Align::right},
                     {"per M tokens", Align::right},
                     {"TTFT p99", Align::right},
                     {"TPOT p99", Align::right},
                     {"rejected", Align::right},
                     {"objectives"},
                     {"on the front of"}});
    const Fronts fronts(result.ranked, result.outcomes);
    std::size_t shown = 0;
    for (const Trial& trial : result.ranked) {
        const Measured& measured = result.outcomes.at(trial);
        if (!measured.possible || shown++ == k_rows_shown) break;
        const double missed = search::excess(measured, result.spec.objective);
        table.add_row({settings_text(result.space, trial), load_text(trial), count_text(measured.gpus),
                       decimal_text(measured.price_per_hour, 2),
                       decimal_text(search::price_per_million_tokens(measured), 3), time_text(measured.ttft_p99.value),
                       time_text(measured.tpot_p99.value), count_text(measured.rejected),
                       objective_text(measured, missed), fronts_text(fronts, trial)});
    }
    return table.render();
}

/// How often each reason kept candidates from running, the most frequent first.
std::string reasons_text(const SearchResult& result) {
    std::map<std::string, std::int64_t> counts;
    std::int64_t all = 0;
    for (const auto& [trial, measured] : result.outcomes) {
        if (measured.possible) continue;
        ++counts[measured.reason];
        ++all;
    }
    if (all == 0) return {};
    std::vector<std::pair<std::string, std::int64_t>> reasons(counts.begin(), counts.end());
    std::stable_sort(reasons.begin(), reasons.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    std::string out = '\n' + count_text(all) + " not possible:\n";
    for (std::size_t i = 0; i < std::min(reasons.size(), k_reasons_shown); ++i) {
        out += "  " + count_text(reasons[i].second) + " × " + reasons[i].first + '\n';
    }
    if (reasons.size() > k_reasons_shown)
        out += "  and " + count_text(static_cast<std::int64_t>(reasons.size() - k_reasons_shown)) +
               " other reasons; --csv writes all\n";
    return out;
}

std::string ratio_text(std::int64_t prefill, std::int64_t decode) {
    return count_text(prefill) + ':' + count_text(decode);
}

std::string verdict(const SearchResult& result) {
    const auto trials = static_cast<std::int64_t>(result.outcomes.size());
    std::set<std::int64_t> tried;
    for (const auto& [trial, measured] : result.outcomes) tried.insert(trial.candidate);
    std::string out = count_text(result.space.size()) + " candidates; " + count_text(trials) + " trials of " +
                      count_text(static_cast<std::int64_t>(tried.size())) + " of them";
    if (trials > result.ran) out += ", " + count_text(trials - result.ran) + " taken from the journal";
    const auto left = result.space.size() - static_cast<std::int64_t>(tried.size());
    if (left > 0) out += "; " + count_text(left) + " skipped by the method";
    out += '\n';
    if (result.ranked.empty() || !search::holds(result.outcomes.at(result.ranked.front()), result.spec.objective)) {
        return out + "No candidate that was tried holds the objectives; the nearest come first.\n";
    }
    const Measured& best = result.outcomes.at(result.ranked.front());
    const std::string ratio = best.prefill_replicas == 0
                                  ? ""
                                  : ", P:D " + ratio_text(best.prefill_replicas, best.decode_replicas) + " replicas (" +
                                        count_text(best.prefill_gpus) + " : " + count_text(best.decode_gpus) + " GPUs)";
    return out + "The cheapest that holds the objectives: " + settings_text(result.space, result.ranked.front()) +
           ", " + count_text(best.gpus) + " GPUs" + ratio + ", " + decimal_text(best.price_per_hour, 2) +
           " per hour, " + decimal_text(search::price_per_million_tokens(best), 3) + " per million output tokens" +
           (result.spec.method.kind == search::MethodKind::capacity ? ", up to load " + load_text(result.ranked.front())
                                                                    : "") +
           ".\n";
}

}  // namespace

std::string search_text(const SearchResult& result) {
    return verdict(result) + '\n' + rows_text(result) + reasons_text(result);
}

std::string search_json(const SearchResult& result) {
    const Fronts fronts(result.ranked, result.outcomes);
    json::array results;
    for (const Trial& trial : result.ranked) {
        results.emplace_back(api::trial_json(result.spec, result.space, result.outcomes, trial, fronts));
    }
    return json::serialize(json::object{{"candidates", result.space.size()},
                                        {"trials", result.outcomes.size()},
                                        {"ran", result.ran},
                                        {"results", std::move(results)}}) +
           '\n';
}

std::string search_csv(const SearchResult& result) {
    const Fronts fronts(result.ranked, result.outcomes);
    std::string out =
        "candidate,settings,arrivals,load_permille,possible,reason,gpus,prefill_replicas,decode_replicas,prefill_gpus,"
        "decode_gpus,"
        "price_per_hour,price_per_million_tokens,holds,stopped_after,ttft_p99_ns,tpot_p99_ns,"
        "e2e_p99_ns,requests,finished,rejected,within_slo,output_tokens,span_ns,hash,output_tokens_per_s_per_gpu";
    for (const auto& kind : search::k_fronts) out += ",front_" + std::string(kind.name);
    out += '\n';
    for (const auto& [trial, measured] : result.outcomes) {
        const auto flag = [](bool value) { return std::int64_t{value ? 1 : 0}; };
        CsvLine line(out);
        line.add(trial.candidate).add(settings_text(result.space, trial)).add(trial.arrivals).add(trial.load_permille);
        line.add(flag(measured.possible)).add(measured.reason).add(measured.gpus);
        line.add(measured.prefill_replicas)
            .add(measured.decode_replicas)
            .add(measured.prefill_gpus)
            .add(measured.decode_gpus);
        line.add(decimal_text(measured.price_per_hour, 4));
        line.add(measured.output_tokens.value > 0 ? decimal_text(search::price_per_million_tokens(measured), 6)
                                                  : std::string());
        line.add(flag(search::holds(measured, result.spec.objective))).add(measured.stopped_after);
        line.add(measured.ttft_p99.value).add(measured.tpot_p99.value).add(measured.e2e_p99.value);
        line.add(measured.requests).add(measured.finished).add(measured.rejected).add(measured.within_slo);
        line.add(measured.output_tokens.value).add(measured.span.value).add(measured.hash);
        line.add(decimal_text(search::throughput_per_gpu(measured), 4));
        for (const auto& kind : search::k_fronts) line.add(flag(fronts.has(kind, trial)));
    }
    return out;
}

}  // namespace replayd::ctl
