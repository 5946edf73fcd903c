// Time of a memory plan: the issue wants at most 1 ms for one and 2 s for 10,000. Back of the envelope: some 40 lines
// of arithmetic and as many short strings for each of at most 61 pipeline stages, so microseconds.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <vector>

#include "replay/catalog/scenario_toml.hpp"
#include "replay/memory/memory_plan.hpp"

namespace replayd {
namespace {

Scenario built_in(const char* name) {
    auto parsed = parse_scenario(built_in_scenarios().at(name), name);
    if (!parsed) std::abort();
    return std::move(*parsed);
}

void one_plan(benchmark::State& state, const char* name) {
    const Scenario scenario = built_in(name);
    for (auto _ : state) benchmark::DoNotOptimize(plan_memory(scenario));
}
BENCHMARK_CAPTURE(one_plan, llama_8b_pd, "llama-3.1-8b-h100-pd")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(one_plan, deepseek_pd, "deepseek-v3-h800-pd")->Unit(benchmark::kMicrosecond);

/// A pool that does not fit: the plan and all remedies, which are plans themselves.
void plan_that_does_not_fit(benchmark::State& state) {
    Scenario scenario = built_in("llama-3-70b-h200-mixed");
    scenario.pools[0].parallel = {};
    for (auto _ : state) benchmark::DoNotOptimize(plan_memory(scenario));
}
BENCHMARK(plan_that_does_not_fit)->Unit(benchmark::kMicrosecond);

/// A sweep: 10,000 plans of every shipped scenario with other batches and fractions.
void sweep_of_10_000(benchmark::State& state) {
    std::vector<Scenario> scenarios;
    for (const auto& [name, toml] : built_in_scenarios()) scenarios.push_back(built_in(name.c_str()));
    for (auto _ : state) {
        for (std::size_t i = 0; i < 10'000; ++i) {
            Scenario& scenario = scenarios[i % scenarios.size()];
            for (PoolSpec& pool : scenario.pools) {
                pool.kv.memory_fraction = 0.85 + 0.0001 * static_cast<double>(i % 1'000);
            }
            benchmark::DoNotOptimize(plan_memory(scenario));
        }
    }
}
BENCHMARK(sweep_of_10_000)->Unit(benchmark::kMillisecond)->Iterations(1)->Repetitions(3);

}  // namespace
}  // namespace replayd
