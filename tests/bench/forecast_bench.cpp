// A look ahead: the fork of a loaded run of 64 replicas and 15 minutes of virtual time under a traffic forecast, on one
// core. The target, 100 ms for both, is that of a what-if which answers while somebody waits.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "replay/catalog/scenario_toml.hpp"
#include "replay/sim/look_ahead.hpp"
#include "replay/trace/generator.hpp"

namespace replayd {
namespace {

using Clock = std::chrono::steady_clock;
constexpr Duration k_horizon{900 * k_ns_per_s};
constexpr Duration k_sample{300 * k_ns_per_s};

struct NoSink final : RecordSink {
    void on_request(RequestRecord&&) override {}
    void on_window(WindowRecord&&) override {}
};

template <class T>
T value_or_exit(Result<T> result) {
    if (result) return std::move(*result);
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    std::exit(1);
}

double milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

/// Log-normal lengths with means of about 1,000 and 200 tokens, as in Azure's conversation trace.
std::vector<Arrival> azure_like(double rate_per_s) {
    GeneratorOptions options;
    options.count = static_cast<std::int64_t>(rate_per_s * to_seconds(k_sample));
    options.arrivals.rate_per_s = rate_per_s;
    options.prompt = {{}, 750.0, 0.8, 1, 8'000};
    options.output = {{}, 150.0, 0.75, 1, 1'500};
    auto generator = value_or_exit(TraceGenerator::make(options));
    std::vector<Arrival> arrivals;
    while (auto next = generator.next()) arrivals.push_back(std::move(*next));
    return arrivals;
}

void measure(double rate_per_s) {
    const std::vector<std::string> overrides = {"pool.replicas=64"};
    auto scenario = value_or_exit(parse_scenario(built_in_scenarios().at("llama-3.1-8b-h100-mixed"), "bench",
                                                 ParseOptions{.overrides = overrides}));
    const auto compiled = value_or_exit(compile(std::move(scenario)));
    const auto sample = std::make_shared<const std::vector<Arrival>>(azure_like(rate_per_s));
    NoSink nowhere;
    Run run(compiled, nowhere);
    for (const Arrival& arrival : *sample) run.offer(arrival);
    const VirtualTime now = sample->back().at;
    run.advance(now);
    double fork_ms = 1e9;
    double all_ms = 1e9;
    std::int64_t arrived = 0;
    for (int i = 0; i < 5; ++i) {
        const auto start = Clock::now();
        Clock::time_point forked;
        const LookAheadSpec spec{now, k_horizon, compiled->scenario.slo, 0.99};
        const TrafficForecastSpec traffic{now, k_horizon, VirtualTime(0), now - VirtualTime(0), 1};
        LookAhead ahead(spec, TrafficForecast(traffic, sample), [&](RecordSink& sink) {
            Run copy = run.fork(sink);
            forked = Clock::now();
            return copy;
        });
        while (ahead.step(1000)) {
        }
        fork_ms = std::min(fork_ms, milliseconds(forked - start));
        all_ms = std::min(all_ms, milliseconds(Clock::now() - start));
        arrived = ahead.result().arrived;
    }
    std::printf(
        "%6.0f requests/s (%9.0f/h), %5lld running: fork %6.2f ms, fork and 15 minutes ahead %8.1f ms, %lld arrivals\n",
        rate_per_s, rate_per_s * 3600, static_cast<long long>(run.snapshot().running), fork_ms, all_ms,
        static_cast<long long>(arrived));
}

}  // namespace
}  // namespace replayd

int main() {
    for (const double rate_per_s : {10.0, 50.0, 100.0, 278.0}) replayd::measure(rate_per_s);
}
