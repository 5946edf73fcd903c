#include "daemon/replayctl/search_trial.hpp"

#include <algorithm>
#include <utility>

#include "replay/sim/run.hpp"

namespace replayd::ctl {
namespace {

using search::Measured;
using search::Trial;

constexpr double k_percentile = 0.99;

/// Keeps sums, not records.
class Tally final : public RecordSink {
public:
    void on_request(RequestRecord&& record) override { last_ = std::max(last_, record.finished); }
    void on_window(WindowRecord&& window) override {
        ttft_.merge(window.ttft);
        tpot_.merge(window.tpot);
        e2e_.merge(window.e2e);
        within_slo_ += window.within_slo;
    }

    void tell(Measured& out, VirtualTime first) const {
        out.ttft_p99 = Duration(ttft_.quantile(k_percentile));
        out.tpot_p99 = Duration(tpot_.quantile(k_percentile));
        out.e2e_p99 = Duration(e2e_.quantile(k_percentile));
        out.within_slo = within_slo_;
        out.span = std::max(last_, first) - first;
    }

private:
    Histogram ttft_;
    Histogram tpot_;
    Histogram e2e_;
    std::int64_t within_slo_ = 0;
    VirtualTime last_;
};

/// The arrival as it comes under the load of the trial. Rounded down, which keeps the order.
Arrival under_load(const Arrival& arrival, std::int64_t load_permille) {
    Arrival out = arrival;
    // Split so that the product stays in range for any time.
    const std::int64_t whole = arrival.at.ns / load_permille;
    const std::int64_t rest = arrival.at.ns % load_permille;
    out.at = VirtualTime(whole * 1000 + rest * 1000 / load_permille);
    return out;
}

Measured not_possible(std::string reason) {
    Measured out;
    out.reason = std::move(reason);
    return out;
}

void replay(const std::shared_ptr<const CompiledScenario>& scenario, std::span<const Arrival> arrivals,
            std::int64_t load_permille, Measured& out) {
    Tally tally;
    Run run(scenario, tally);
    for (const Arrival& arrival : arrivals) run.offer(under_load(arrival, load_permille));
    run.finish();
    const RunSnapshot end = run.snapshot();
    out.requests = end.arrived;
    out.finished = end.finished;
    out.rejected = end.rejected;
    out.output_tokens = end.output_tokens;
    out.hash = run.hash().to_string();
    tally.tell(out, under_load(arrivals.front(), load_permille).at);
}

}  // namespace

Measured run_trial(const SearchInput& input, const Trial& trial) {
    auto scenario = input.scenarios.parse(input.spec.base, input.space.settings(trial.candidate));
    if (!scenario) return not_possible(scenario.error().message);
    Measured out;
    out.gpus = search::gpus_of(*scenario);
    out.price_per_hour = search::price_of(*scenario, input.spec.prices);
    if (input.spec.gpus_max > 0 && out.gpus > input.spec.gpus_max) {
        out.too_many_gpus = true;
        out.reason = std::to_string(out.gpus) + " GPUs: more than gpus_max = " + std::to_string(input.spec.gpus_max);
        return out;
    }
    auto compiled = compile(std::move(*scenario));
    if (!compiled) {
        out.reason = compiled.error().message;
        return out;
    }
    out.possible = true;
    replay(*compiled, input.arrivals.first(static_cast<std::size_t>(trial.arrivals)), trial.load_permille, out);
    return out;
}

}  // namespace replayd::ctl
