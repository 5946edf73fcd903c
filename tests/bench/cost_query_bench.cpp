// Time of one cost query, the innermost call of the engine. Target: at most 100 ns. By hand: a table row (one
// cache miss to L2, 5 – 10 ns) plus five operators of about 12 integer instructions each.

#include <cstdint>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "replay/base/random.hpp"
#include "replay/catalog/scenario_toml.hpp"
#include "replay/cost/cost_model.hpp"

namespace replayd {
namespace {

struct Setup {
    std::string model;
    ParallelSpec parallel;
};

Scenario scenario_of(const Setup& setup) {
    Scenario scenario;
    scenario.model = Catalog::built_in().model(setup.model).value();
    PoolSpec pool;
    pool.name = "bench";
    pool.gpu = Catalog::built_in().gpu("H100-SXM").value();
    pool.parallel = setup.parallel;
    pool.weights = scenario.model.weights;
    scenario.pools = {pool};
    return scenario;
}

/// 4096 steps of mixed sizes, so that the table does not stay in the first cache.
std::vector<StepShape> shapes() {
    Random random(1);
    std::vector<StepShape> out(4'096);
    for (StepShape& shape : out) {
        const bool prefills = random.below(4) == 0;
        shape.prefill_tokens = prefills ? static_cast<std::int64_t>(1 + random.below(7'000)) : 0;
        shape.prefill_sequences = prefills ? 1 : 0;
        shape.prefill_pairs = shape.prefill_tokens * (shape.prefill_tokens + 1) / 2;
        shape.prefill_context = shape.prefill_tokens;
        shape.decode_sequences = static_cast<std::int64_t>(1 + random.below(256));
        shape.decode_context = shape.decode_sequences * 1'500;
        shape.sampled_sequences = shape.decode_sequences;
    }
    return out;
}

void query(benchmark::State& state, const Setup& setup) {
    const Scenario scenario = scenario_of(setup);
    const auto model = make_cost_model(scenario, scenario.pools.front());
    const std::vector<StepShape> steps = shapes();
    std::vector<Duration> out(static_cast<std::size_t>((*model)->stages()));
    std::size_t next = 0;
    for (auto _ : state) {
        (*model)->step(steps[next], out);
        benchmark::DoNotOptimize(out.data());
        next = (next + 1) % steps.size();
    }
    state.SetItemsProcessed(state.iterations());
}

void compose(benchmark::State& state, const Setup& setup) {
    const Scenario scenario = scenario_of(setup);
    for (auto _ : state) {
        auto model = make_cost_model(scenario, scenario.pools.front());
        benchmark::DoNotOptimize(model);
    }
}

BENCHMARK_CAPTURE(query, llama_8b_tp1, Setup{"Llama-3.1-8B", {}});
BENCHMARK_CAPTURE(query, llama_70b_tp4_pp2, Setup{"Llama-3-70B", {.tensor = 4, .pipeline = 2}});
BENCHMARK_CAPTURE(query, qwen3_next_tp4, Setup{"Qwen3-Next-80B-A3B", {.tensor = 4}});
BENCHMARK_CAPTURE(query, deepseek_v3_dp16_ep16, Setup{"DeepSeek-V3", {.data = 16, .expert = 16}});
BENCHMARK_CAPTURE(compose, deepseek_v3_dp16_ep16, Setup{"DeepSeek-V3", {.data = 16, .expert = 16}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace replayd
