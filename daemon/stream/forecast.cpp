#include "daemon/stream/forecast.hpp"

#include <algorithm>
#include <future>
#include <utility>

#include "replay/search/objective.hpp"
#include "replay/sim/no_sink.hpp"

namespace replayd::stream {
namespace {

constexpr std::size_t k_sample_arrivals_max = 200'000;
/// Arrivals between two looks at the clock; a slice is as long as a run's.
constexpr int k_arrivals_per_step = 256;
constexpr std::chrono::milliseconds k_slice{10};
constexpr std::chrono::seconds k_patience{60};

/// One look ahead, in slices beside the runs'.
class LookAheadJob final : public Job {
public:
    LookAheadJob(LookAhead ahead, std::function<WallTime()> now) : ahead_(std::move(ahead)), now_(std::move(now)) {}

    [[nodiscard]] NextSlice slice() override {
        if (over_) return NextSlice::on_wake();
        const WallTime until = now_() + k_slice;
        while (ahead_.step(k_arrivals_per_step)) {
            if (now_() >= until) return NextSlice::at_once();
        }
        over_ = true;
        done_.set_value(ahead_.result());
        return NextSlice::on_wake();
    }
    [[nodiscard]] std::future<LookAheadResult> result() { return done_.get_future(); }

private:
    LookAhead ahead_;
    std::function<WallTime()> now_;
    bool over_ = false;
    std::promise<LookAheadResult> done_;
};

/// A copy of the run, and the moment behind everything that it has processed and every arrival that it was offered.
struct Copy {
    Run run;
    VirtualTime at;
};

Result<std::shared_ptr<Copy>> copy_of(Stream& stream, const std::shared_ptr<RunWorker>& run) {
    const auto answer = std::make_shared<std::promise<Result<std::shared_ptr<Copy>>>>();
    run->ask([answer](const Run* now, VirtualTime offered) {
        if (now == nullptr) {
            return answer->set_value(fail(Code::failed_state, "the run failed to start: its scenario is not valid"));
        }
        Run copied = now->fork(no_sink());
        const VirtualTime at = std::max(now->snapshot().now + Duration(1), offered);
        answer->set_value(std::make_shared<Copy>(Copy{std::move(copied), at}));
    });
    auto copied = answer->get_future();
    stream.wake_run(run);
    if (copied.wait_for(k_patience) == std::future_status::ready) return copied.get();
    return fail(Code::unavailable, "the run did not answer within a minute: is the daemon shutting down?");
}

struct Sample {
    TrafficForecastSpec spec;
    std::shared_ptr<const std::vector<Arrival>> arrivals;
};

/// What the forecast repeats: the past before `at`, or a period before it.
Result<Sample> sample_of(const Stream& stream, const ForecastRequest& request, VirtualTime at) {
    Sample sample;
    TrafficForecastSpec& spec = sample.spec;
    spec.from = at;
    spec.horizon = request.horizon;
    spec.growth = request.growth;
    const bool seasonal = request.traffic == TrafficKind::seasonal;
    const Duration back = seasonal ? request.period : std::min(request.sample, at - VirtualTime(0));
    const Duration span = seasonal ? std::min(request.horizon, request.period) : back;
    if (at - VirtualTime(0) < back || back <= Duration(0)) {
        return fail(Code::invalid_argument, "period_s is " + std::to_string(request.period.value / k_ns_per_s) +
                                                ": expected at most what the stream has behind it, " +
                                                std::to_string(at.ns / k_ns_per_s) + " s");
    }
    spec.sample_from = at - back;
    spec.sample_span = span;
    auto arrivals = stream.arrivals_between(spec.sample_from, spec.sample_from + span, k_sample_arrivals_max);
    if (!arrivals) return tl::unexpected(arrivals.error());
    if (arrivals->empty()) {
        return fail(Code::invalid_argument, "the sample from " + std::to_string(spec.sample_from.ns) + " ns, " +
                                                std::to_string(span.value / k_ns_per_s) +
                                                " s long, has no arrivals: expected some to forecast from");
    }
    sample.arrivals = std::make_shared<const std::vector<Arrival>>(std::move(*arrivals));
    return sample;
}

class Forecaster {
public:
    Forecaster(Stream& stream, const ForecastRequest& request, const Copy& copy, Sample sample)
        : stream_(stream), request_(request), copy_(copy), sample_(std::move(sample)) {}

    /// Starts one line; `compiled` null: the run as it is.
    void start(ForecastLine line, const Scenario& scenario, const std::shared_ptr<const CompiledScenario>& compiled) {
        line.objectives = scenario.slo;
        const LookAheadSpec spec{copy_.at, request_.horizon, scenario.slo, request_.quantile};
        LookAhead ahead(spec, TrafficForecast(sample_.spec, sample_.arrivals), [&](RecordSink& sink) {
            if (!compiled) return copy_.run.fork(sink);
            auto forked = copy_.run.fork(compiled, sink);
            if (forked) return std::move(*forked);
            line.started = StartedFrom::replay;
            line.not_forked = forked.error().message;
            return replayed(compiled, sink);
        });
        auto job = std::make_shared<LookAheadJob>(std::move(ahead),
                                                  [stream = stream_.shared_from_this()] { return stream->now(); });
        results_.push_back(job->result());
        lines_.push_back(std::move(line));
        stream_.lend_engine(job);
    }

    [[nodiscard]] Result<std::vector<ForecastLine>> finish() {
        const auto until = std::chrono::steady_clock::now() + k_patience;
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            if (results_[i].wait_until(until) != std::future_status::ready) {
                return fail(Code::unavailable,
                            "the forecast of \"" + lines_[i].name +
                                "\" took more than a minute: expected a shorter horizon, or fewer candidates");
            }
            lines_[i].result = results_[i].get();
        }
        return std::move(lines_);
    }

private:
    /// A new run that has seen the past of the sample.
    [[nodiscard]] Run replayed(const std::shared_ptr<const CompiledScenario>& compiled, RecordSink& sink) const {
        Run run(compiled, sink);
        for (const Arrival& arrival : *sample_.arrivals) {
            if (arrival.at < copy_.at) run.offer(arrival);
        }
        run.advance(copy_.at);
        return run;
    }

    Stream& stream_;
    const ForecastRequest& request_;
    const Copy& copy_;
    Sample sample_;
    std::vector<ForecastLine> lines_;
    std::vector<std::future<LookAheadResult>> results_;
};

std::optional<std::size_t> cheapest_of(const std::vector<ForecastLine>& lines) {
    if (lines.front().result.holds()) return 0;
    std::optional<std::size_t> best;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        if (lines[i].result.holds() && (!best || lines[i].cost < lines[*best].cost)) best = i;
    }
    return best;
}

}  // namespace

Result<Forecast> forecast(Stream& stream, const std::shared_ptr<RunWorker>& run, const ForecastRequest& request) {
    if (!run->identity().compiled || !run->active()) {
        return fail(Code::failed_state,
                    "run " + std::to_string(run->identity().id) + " is over: expected one that this daemon replays");
    }
    const Scenario& own = run->identity().compiled->scenario;
    if (own.slo.ttft == Duration(0) && own.slo.tpot == Duration(0)) {
        return fail(Code::invalid_argument,
                    "scenario \"" + own.name + "\" has no [slo]: expected an objective that can be broken");
    }
    const auto copy = copy_of(stream, run);
    if (!copy) return tl::unexpected(copy.error());
    auto sample = sample_of(stream, request, (*copy)->at);
    if (!sample) return tl::unexpected(sample.error());
    Forecast out;
    out.at = (*copy)->at;
    out.sample_arrivals = static_cast<std::int64_t>(sample->arrivals->size());
    out.arrivals_per_s = static_cast<double>(out.sample_arrivals) / to_seconds(sample->spec.sample_span);
    Forecaster forecaster(stream, request, **copy, std::move(*sample));
    const auto line_of = [](const std::string& name, const Scenario& scenario, std::optional<double> cost) {
        const std::int64_t gpus = search::gpus_of(scenario);
        return ForecastLine{name, gpus, cost.value_or(static_cast<double>(gpus)), StartedFrom::fork, "", {}, {}};
    };
    forecaster.start(line_of("as it is", own, std::nullopt), own, nullptr);
    for (const ForecastCandidate& candidate : request.candidates) {
        const Scenario& scenario = candidate.compiled->scenario;
        forecaster.start(line_of(candidate.name, scenario, candidate.cost), scenario, candidate.compiled);
    }
    auto lines = forecaster.finish();
    if (!lines) return tl::unexpected(lines.error());
    out.lines = std::move(*lines);
    out.cheapest = cheapest_of(out.lines);
    return out;
}

}  // namespace replayd::stream
