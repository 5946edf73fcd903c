#include "daemon/replayctl/search_trial.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "daemon/replayctl/parallel.hpp"
#include "replay/sim/compile_priced.hpp"
#include "replay/sim/slo_classes.hpp"
#include "replay/sim/window_accumulator.hpp"

namespace replayd::ctl {
namespace {

using search::Measured;
using search::Trial;

constexpr double k_percentile = 0.99;
/// Arrivals between two looks whether the objective is lost. A look is a comparison; the engine works best undisturbed.
constexpr std::size_t k_look_arrivals = 256;
/// Compositions that are kept. A search whose axes are not replicas has one per candidate.
constexpr std::size_t k_kept_scenarios = 256;

/// Keeps sums, not records.
class Tally final : public RecordSink {
public:
    Tally(const Scenario& scenario, search::MissCounter misses) : classes_(scenario), misses_(misses) {}

    void on_request(RequestRecord&& record) override {
        const bool within = within_slo(record, classes_[classes_.of(record.slo_class)].slo);
        misses_.count(record, within);
        last_ = std::max(last_, record.finished);
        if (record.outcome == Outcome::rejected) return;
        within_slo_ += within ? 1 : 0;
        ttfts_.push_back(record.ttft().value);
        e2es_.push_back(record.e2e().value);
        if (const auto tpot = record.tpot()) tpots_.push_back(tpot->value);
    }
    void on_window(WindowRecord&&) override {}

    [[nodiscard]] bool lost() const { return misses_.lost(); }

    void tell(Measured& out, VirtualTime first) const {
        out.ttft_p99 = p99(ttfts_);
        out.tpot_p99 = p99(tpots_);
        out.e2e_p99 = p99(e2es_);
        out.within_slo = within_slo_;
        out.span = std::max(last_, first) - first;
    }

private:
    static Duration p99(const std::vector<std::int64_t>& values) {
        Histogram histogram;
        histogram.record_all(values);
        return Duration(histogram.quantile(k_percentile));
    }

    SloClasses classes_;
    search::MissCounter misses_;
    std::vector<std::int64_t> ttfts_;
    std::vector<std::int64_t> tpots_;
    std::vector<std::int64_t> e2es_;
    std::int64_t within_slo_ = 0;
    VirtualTime last_;
};

Measured not_possible(std::string reason) {
    Measured out;
    out.reason = std::move(reason);
    return out;
}

search::MissCounter misses_of(const search::Objective& objective, std::span<const Arrival> arrivals) {
    const auto with_tpot =
        std::count_if(arrivals.begin(), arrivals.end(), [](const Arrival& a) { return a.output.value >= 2; });
    return {objective, static_cast<std::int64_t>(arrivals.size()), with_tpot};
}

void replay(const std::shared_ptr<const CompiledScenario>& scenario, const search::SearchSpec& spec,
            std::span<const Arrival> arrivals, std::int64_t load_permille, Measured& out) {
    Tally tally(scenario->scenario, misses_of(spec.objective, arrivals));
    Run run(scenario, tally);
    std::size_t offered = 0;
    while (offered < arrivals.size()) {
        run.offer(under_load(arrivals[offered++], load_permille));
        if (!spec.method.stop_early || offered % k_look_arrivals != 0) continue;
        run.advance(under_load(arrivals[offered - 1], load_permille).at);
        if (tally.lost()) break;
    }
    if (offered < arrivals.size()) out.stopped_after = static_cast<std::int64_t>(offered);
    else run.finish();
    const RunSnapshot end = run.snapshot();
    out.requests = end.arrived;
    out.finished = end.finished;
    out.rejected = end.rejected;
    out.output_tokens = end.output_tokens;
    out.hash = run.hash().to_string();
    tally.tell(out, under_load(arrivals.front(), load_permille).at);
    if (!search::scales(scenario->scenario) || out.span.value == 0) return;
    const double all = static_cast<double>(out.gpus) * static_cast<double>(out.span.value);
    out.price_per_hour *= static_cast<double>(end.gpu_time.value) / all;
}

/// The settings that decide about costs, as one text.
std::string without_replicas(const search::Settings& settings) {
    std::string out;
    for (const std::string& setting : settings) {
        const std::string_view key = std::string_view(setting).substr(0, setting.find('='));
        if (!key.ends_with(".replicas")) out += setting + '\n';
    }
    return out;
}

}  // namespace

Arrival under_load(const Arrival& arrival, std::int64_t load_permille) {
    Arrival out = arrival;
    // Split so that the product stays in range for any time.
    const std::int64_t whole = arrival.at.ns / load_permille;
    const std::int64_t rest = arrival.at.ns % load_permille;
    out.at = VirtualTime(whole * 1000 + rest * 1000 / load_permille);
    return out;
}

Result<std::shared_ptr<const CompiledScenario>> PricedScenarios::compile(Scenario scenario,
                                                                         const search::Settings& settings) {
    const std::string key = without_replicas(settings);
    std::shared_ptr<const CompiledScenario> alike;
    {
        const std::lock_guard lock(mutex_);
        const auto found = known_.find(key);
        if (found != known_.end()) alike = found->second;
    }
    if (alike) return replayd::compile(std::move(scenario), *alike);
    auto compiled = replayd::compile(std::move(scenario));
    if (!compiled) return compiled;
    const std::lock_guard lock(mutex_);
    if (known_.size() < k_kept_scenarios) known_.emplace(key, *compiled);
    return compiled;
}

Measured run_trial(const SearchInput& input, const Trial& trial) {
    const search::Settings settings = input.space.settings(trial.candidate);
    auto scenario = input.scenarios.parse(input.spec.base, settings);
    if (!scenario) return not_possible(scenario.error().message);
    Measured out;
    search::describe(*scenario, input.spec.prices, out);
    if (input.spec.gpus_max > 0 && out.gpus > input.spec.gpus_max) {
        out.too_many_gpus = true;
        out.reason = std::to_string(out.gpus) + " GPUs: more than gpus_max = " + std::to_string(input.spec.gpus_max);
        return out;
    }
    auto compiled = input.priced.compile(std::move(*scenario), settings);
    if (!compiled) {
        out.reason = compiled.error().message;
        return out;
    }
    out.possible = true;
    replay(*compiled, input.spec, input.arrivals.first(static_cast<std::size_t>(trial.arrivals)), trial.load_permille,
           out);
    return out;
}

std::vector<double> prices_of(const SearchInput& input, std::size_t workers) {
    std::vector<double> out(static_cast<std::size_t>(input.space.size()));
    for_each_in_parallel(
        out.size(),
        [&](std::size_t i) {
            const auto scenario =
                input.scenarios.parse(input.spec.base, input.space.settings(static_cast<std::int64_t>(i)));
            if (scenario) out[i] = search::least_price_of(*scenario, input.spec.prices);
        },
        workers);
    return out;
}

}  // namespace replayd::ctl
