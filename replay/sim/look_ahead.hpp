#pragma once
// A run driven ahead of its stream under a traffic forecast, watching for the first window that breaks an objective.
// The run is a copy or a new one: the original never hears of it.

#include <memory>
#include <optional>
#include <vector>

#include "replay/catalog/scenario.hpp"
#include "replay/sim/run.hpp"
#include "replay/sim/traffic_forecast.hpp"

namespace replayd {

/// One window of the forecast. Quantiles are absent where nothing was measured.
struct ForecastWindow {
    VirtualTime start;
    Duration length{0};
    std::int64_t arrived = 0;
    std::int64_t finished = 0;
    std::int64_t within_slo = 0;
    std::int64_t waiting = 0;  ///< at its end
    std::optional<Duration> ttft;
    std::optional<Duration> tpot;
};

struct LookAheadSpec {
    VirtualTime from;        ///< where the forecast begins
    Duration horizon{0};
    SloSpec objectives;      ///< 0: none
    double quantile = 0.99;  ///< of a window's TTFT and TPOT; a window breaks an objective when it is beyond it
};

struct LookAheadResult {
    /// Start of the first window that breaks the objective, or `from` where that window had begun before: known to one
    /// window.
    std::optional<VirtualTime> ttft_break;
    std::optional<VirtualTime> tpot_break;
    std::optional<VirtualTime> rejection;  ///< start of the first window that rejects a request
    std::int64_t arrived = 0;    ///< of the forecast's windows
    std::int64_t finished = 0;
    std::int64_t rejected = 0;
    std::int64_t within_slo = 0;
    Histogram ttft;
    Histogram tpot;
    std::vector<ForecastWindow> windows;

    /// No objective is broken and nothing is rejected within the horizon.
    [[nodiscard]] bool holds() const { return !ttft_break && !tpot_break && !rejection; }
    /// The first of the breaks.
    [[nodiscard]] std::optional<VirtualTime> first_break() const;
};

class LookAhead {
public:
    /// Of a run that has processed everything before `spec.from`, made by `start`, which is given the sink that the run
    /// reports to.
    template <class Start>
    LookAhead(const LookAheadSpec& spec, TrafficForecast traffic, Start start)
        : sink_(std::make_unique<Sink>(spec)), spec_(spec), traffic_(std::move(traffic)), run_(start(*sink_)) {
        run_.tell_windows_only();
    }

    /// Goes on by at most `arrivals`; false when the horizon is reached.
    [[nodiscard]] bool step(int arrivals);
    /// Complete once `step` has answered false. The window under way at `from` counts with what it had before.
    [[nodiscard]] const LookAheadResult& result() const { return sink_->result; }

private:
    class Sink final : public RecordSink {
    public:
        explicit Sink(const LookAheadSpec& spec) : spec_(spec) {}
        void on_request(RequestRecord&&) override {}
        void on_window(WindowRecord&& window) override;
        LookAheadResult result;

    private:
        LookAheadSpec spec_;
    };

    std::unique_ptr<Sink> sink_;  ///< where it lies must not change: the run refers to it
    LookAheadSpec spec_;
    TrafficForecast traffic_;
    Run run_;
};

}  // namespace replayd
