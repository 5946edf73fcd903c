#include "daemon/replayctl/run_errors.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "replay/base/random.hpp"

namespace replayd::ctl {
namespace {

constexpr std::array<double, 3> k_shares = {0.5, 0.9, 0.99};

class Collector final : public RecordSink {
public:
    void on_request(RequestRecord&& record) override { records.push_back(std::move(record)); }
    void on_window(WindowRecord&&) override {}
    std::vector<RequestRecord> records;
};

/// Straight between ranks, as numpy's default percentile.
double percentile(const std::vector<double>& sorted, double share) {
    const double rank = share * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(rank);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (rank - std::floor(rank)) * (sorted[above] - sorted[below]);
}

std::array<double, k_figures.size()> figures(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    double sum = 0;
    for (const double value : values) sum += value;
    std::array<double, k_figures.size()> out{sum / static_cast<double>(values.size())};
    for (std::size_t i = 0; i < k_shares.size(); ++i) out[i + 1] = percentile(values, k_shares[i]);
    return out;
}

struct Samples {
    std::vector<double> observed;
    std::vector<double> predicted;

    void add(double was, double is) {
        observed.push_back(was);
        predicted.push_back(is);
    }
    [[nodiscard]] std::array<Compared, k_figures.size()> compared() const {
        const auto was = figures(observed);
        const auto is = figures(predicted);
        std::array<Compared, k_figures.size()> out;
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = {was[i], is[i]};
        return out;
    }
};

std::vector<Arrival> delayed(std::span<const Arrival> arrivals, Random& random) {
    std::vector<Arrival> late(arrivals.begin(), arrivals.end());
    VirtualTime last;
    for (Arrival& arrival : late) {
        const double way = random.uniform() * static_cast<double>(k_way_max.value);
        arrival.at = std::max(last, arrival.at + Duration(static_cast<std::int64_t>(way)));
        last = arrival.at;
    }
    return late;
}

using Metric = std::array<Compared, k_figures.size()> RunErrors::*;
constexpr std::array<Metric, 3> k_metrics = {&RunErrors::ttft, &RunErrors::tpot, &RunErrors::e2e};

/// Adds a share of `once`: what was observed is the same each time.
void add_share(RunErrors& mean, const RunErrors& once) {
    for (const Metric metric : k_metrics) {
        for (std::size_t i = 0; i < k_figures.size(); ++i) {
            (mean.*metric)[i].observed = (once.*metric)[i].observed;
            (mean.*metric)[i].predicted += (once.*metric)[i].predicted / k_chances;
        }
    }
}

double real(Duration duration) { return static_cast<double>(duration.value); }

}  // namespace

Result<RunErrors> compare(std::span<const RequestRecord> records) {
    Samples ttft;
    Samples tpot;
    Samples e2e;
    for (const RequestRecord& record : records) {
        if (record.outcome != Outcome::finished) {
            return fail(Code::invalid_argument, "request \"" + record.id + "\" was rejected: " + record.reject_reason);
        }
        if (!record.observed_ttft || !record.observed_e2e) {
            return fail(Code::invalid_argument, "request \"" + record.id + "\" has no observed times");
        }
        // vLLM's clock runs from the moment when the engine sees a request.
        const Duration unseen = record.blame[BlameCause::decided_ahead] + record.blame[BlameCause::other_ranks];
        ttft.add(real(*record.observed_ttft), real(record.ttft() - unseen));
        e2e.add(real(*record.observed_e2e), real(record.e2e() - unseen));
        if (const auto gap = record.tpot()) {
            const auto gaps = static_cast<double>(record.output.value - 1);
            tpot.add((real(*record.observed_e2e) - real(*record.observed_ttft)) / gaps, real(*gap));
        }
    }
    if (tpot.observed.empty()) return fail(Code::invalid_argument, "no request has two output tokens or more");
    return RunErrors{ttft.compared(), tpot.compared(), e2e.compared()};
}

Result<RunErrors> replay_errors(std::shared_ptr<const CompiledScenario> scenario, std::span<const Arrival> arrivals) {
    Collector collector;
    Run run(std::move(scenario), collector);
    for (const Arrival& arrival : arrivals) run.offer(arrival);
    run.finish();
    return compare(collector.records);
}

Result<RunErrors> mean_replay_errors(const std::shared_ptr<const CompiledScenario>& scenario,
                                     std::span<const Arrival> arrivals) {
    Random random(1);
    RunErrors mean;
    for (int chance = 0; chance < k_chances; ++chance) {
        const auto once = replay_errors(scenario, delayed(arrivals, random));
        if (!once) return tl::unexpected(once.error());
        add_share(mean, *once);
    }
    return mean;
}

}  // namespace replayd::ctl
