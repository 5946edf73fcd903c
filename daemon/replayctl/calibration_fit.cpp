#include "daemon/replayctl/calibration_fit.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "replay/sim/run.hpp"

namespace replayd::ctl {
namespace {

// Of the pattern search: first and last step of each multiplier, and how often it may replay. The last steps are below
// what observed times repeat to.
constexpr double k_kernels_step = 0.2;  // of the logarithm
constexpr double k_kernels_step_least = 0.004;
constexpr double k_host_step_us = 1024;
constexpr double k_host_step_least_us = 16;
constexpr int k_replays_max = 160;
constexpr double k_kernels_least = 0.01;
constexpr double k_kernels_most = 100;

class ScoreSink final : public RecordSink {
public:
    explicit ScoreSink(std::int64_t split) : split_(split) {}

    void on_request(RequestRecord&& record) override {
        if (record.outcome != Outcome::finished) return;
        PartScore& part = record.sequence < split_ ? score.fitted : score.held_out;
        compare(part, ResidualMetric::ttft, record.ttft(), record.observed_ttft);
        compare(part, ResidualMetric::tpot, record.tpot(), record.observed_gap());
        compare(part, ResidualMetric::e2e, record.e2e(), record.observed_e2e);
    }
    void on_window(WindowRecord&&) override {}

    SplitScore score;

private:
    static void compare(PartScore& part, ResidualMetric metric, std::optional<Duration> predicted,
                        std::optional<Duration> observed) {
        if (!predicted || !observed) return;
        part.metrics[static_cast<std::size_t>(metric)].add(predicted->value, observed->value, observed->value);
        if (predicted->value <= 0 || observed->value <= 0) return;
        part.log_errors +=
            std::fabs(std::log(static_cast<double>(predicted->value) / static_cast<double>(observed->value)));
        ++part.log_count;
    }

    std::int64_t split_;
};

/// What the search moves: the logarithm of `kernels`, and microseconds.
struct Point {
    double log_kernels = 0;
    double host_us = 0;

    /// Rounded as it is written.
    [[nodiscard]] CalibrationSpec spec() const {
        const double kernels =
            std::clamp(std::round(std::exp(log_kernels) * 1000) / 1000, k_kernels_least, k_kernels_most);
        return {kernels, Duration(std::llround(host_us) * k_ns_per_us)};
    }
};

class Search {
public:
    Search(const Scenario& scenario, std::span<const Arrival> arrivals, std::int64_t split)
        : scenario_(scenario), arrivals_(arrivals), split_(split) {}

    [[nodiscard]] Result<SplitScore> score(const CalibrationSpec& calibration) {
        Scenario scenario = scenario_;
        scenario.calibration = calibration;
        auto compiled = compile(std::move(scenario));
        if (!compiled) return tl::unexpected(compiled.error());
        ScoreSink sink(split_);
        Run run(std::move(*compiled), sink);
        for (const Arrival& arrival : arrivals_) run.offer(arrival);
        run.finish();
        ++replays_;
        return sink.score;
    }

    /// Moves `best` and its score to a better neighbour while there is one.
    [[nodiscard]] Result<void> descend(Point& best, SplitScore& best_score) {
        double kernels_step = k_kernels_step;
        double host_step = k_host_step_us;
        while ((kernels_step >= k_kernels_step_least || host_step >= k_host_step_least_us) &&
               replays_ < k_replays_max) {
            // Also across: slower kernels and a quicker host nearly make up for each other.
            static constexpr std::array<std::pair<double, double>, 12> k_directions = {{
                {1, 0}, {-1, 0}, {0, 1}, {0, -1}, {0.16, -1}, {-0.16, 1},
                {0.4, -1}, {-0.4, 1}, {-1, 1}, {1, -1}, {1, 1}, {-1, -1},
            }};
            bool moved = false;
            for (const auto& [kernels, host] : k_directions) {
                const Point point{best.log_kernels + kernels * kernels_step,
                                  std::max(0.0, best.host_us + host * host_step)};
                if (point.spec() == best.spec()) continue;
                auto tried = score(point.spec());
                if (!tried) return tl::unexpected(tried.error());
                if (tried->fitted.error() >= best_score.fitted.error()) continue;
                best = point;
                best_score = std::move(*tried);
                moved = true;
                break;
            }
            if (moved) continue;
            kernels_step /= 2;
            host_step /= 2;
        }
        return {};
    }

    [[nodiscard]] std::int64_t replays() const { return replays_; }

private:
    const Scenario& scenario_;
    std::span<const Arrival> arrivals_;
    std::int64_t split_;
    std::int64_t replays_ = 0;
};

}  // namespace

Result<CalibrationFit> fit_calibration(const Scenario& scenario, std::span<const Arrival> arrivals, double held_out) {
    const auto split = std::llround(static_cast<double>(arrivals.size()) * (1 - held_out));
    Search search(scenario, arrivals, split);
    CalibrationFit fit;
    const Point own{std::log(scenario.calibration.kernels),
                    static_cast<double>(scenario.calibration.host.value) / k_ns_per_us};
    auto before = search.score(scenario.calibration);
    if (!before) return tl::unexpected(before.error());
    for (const auto& [part, name] : {std::pair{&before->fitted, "fitted"}, std::pair{&before->held_out, "held-out"}}) {
        if (part->log_count > 0) continue;
        return fail(Code::invalid_argument,
                    std::string("the ") + name +
                        " part has no finished request with observed times: expected some "
                        "in both parts; is the trace one with observed_ttft_ns or observed_e2e_ns?");
    }
    fit.before = fit.after = std::move(*before);
    Point best = own;
    if (auto done = search.descend(best, fit.after); !done) return tl::unexpected(done.error());
    fit.calibration = best.spec();
    fit.replays = search.replays();
    return fit;
}

}  // namespace replayd::ctl
