#pragma once
// Scenarios and shapes for the tests of the cost models.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "replay/base/random.hpp"
#include "replay/catalog/scenario_toml.hpp"
#include "replay/cost/cost_model.hpp"

namespace replayd::cost_test {

using Model = std::unique_ptr<const CostModel>;

/// An analytic scenario with one mixed pool in the checkpoint's precision, from the built-in catalog.
inline Scenario scenario(const std::string& model, const std::string& gpu, ParallelSpec parallel = {}) {
    Scenario out;
    out.model = Catalog::built_in().model(model).value();
    PoolSpec pool;
    pool.name = "only";
    pool.gpu = Catalog::built_in().gpu(gpu).value();
    pool.parallel = parallel;
    pool.weights = out.model.weights;
    out.pools = {pool};
    return out;
}

/// The model of the scenario's first pool; the test fails where it is refused.
inline Model model_of(const Scenario& scenario) {
    auto model = make_cost_model(scenario, scenario.pools.front());
    if (!model) {
        ADD_FAILURE() << model.error().message;
        return nullptr;
    }
    return std::move(*model);
}

/// `sequences` decoding ones with the same context, each sampled.
inline StepShape decode_step(std::int64_t sequences, std::int64_t context) {
    StepShape shape;
    shape.decode_sequences = sequences;
    shape.decode_context = sequences * context;
    shape.sampled_sequences = sequences;
    return shape;
}

/// `sequences` whole prompts of `tokens`, each sampled.
inline StepShape prefill_step(std::int64_t sequences, std::int64_t tokens) {
    StepShape shape;
    shape.prefill_sequences = sequences;
    shape.prefill_tokens = sequences * tokens;
    shape.prefill_pairs = sequences * tokens * (tokens + 1) / 2;
    shape.prefill_context = sequences * tokens;
    shape.sampled_sequences = sequences;
    return shape;
}

inline std::vector<Duration> stage_times(const CostModel& model, const StepShape& shape) {
    std::vector<Duration> out(static_cast<std::size_t>(model.stages()));
    model.step(shape, out);
    return out;
}

inline std::int64_t step_ns(const CostModel& model, const StepShape& shape) {
    std::int64_t sum = 0;
    for (const Duration time : stage_times(model, shape)) sum += time.value;
    return sum;
}

/// The named operator of a step; the test fails where there is none.
inline OperatorCost operator_of(const CostModel& model, const StepShape& shape, const std::string& name) {
    for (OperatorCost& cost : model.explain(shape)) {
        if (cost.name == name) return cost;
    }
    ADD_FAILURE() << "no operator " << name;
    return {};
}

/// A step that an engine could produce: some prompts in chunks, some decoding sequences.
inline StepShape random_shape(Random& random) {
    StepShape shape;
    const auto draw = [&random](std::uint64_t bound) { return static_cast<std::int64_t>(random.below(bound)); };
    shape.prefill_sequences = draw(4);
    for (std::int64_t i = 0; i < shape.prefill_sequences; ++i) {
        const std::int64_t tokens = 1 + draw(3'000);
        const std::int64_t computed = draw(20'000);
        shape.prefill_tokens += tokens;
        shape.prefill_pairs += tokens * computed + tokens * (tokens + 1) / 2;
        shape.prefill_context += computed + tokens;
    }
    shape.decode_sequences = draw(300);
    for (std::int64_t i = 0; i < shape.decode_sequences; ++i) shape.decode_context += 1 + draw(30'000);
    shape.sampled_sequences = shape.decode_sequences + draw(static_cast<std::uint64_t>(shape.prefill_sequences) + 1);
    return shape;
}

/// Every kind of operator: dense, MoE, latent and linear attention; tensor, pipeline, data and expert parallel; every
/// exchange of tokens and what overlaps with it.
inline std::vector<Scenario> scenario_zoo() {
    std::vector<Scenario> zoo = {
        scenario("Llama-3.1-8B", "H100-SXM"),
        scenario("Llama-3.1-8B", "RTX-4090", {.tensor = 2, .pipeline = 3}),
        scenario("Llama-3-70B", "A100-SXM-80GB", {.tensor = 4, .pipeline = 2}),
        scenario("Llama-3-70B", "H20", {.tensor = 8, .pipeline = 3}),
        scenario("Qwen3-30B-A3B", "H200-SXM", {.tensor = 4, .expert = 4}),
        scenario("Qwen3-30B-A3B", "H100-SXM", {.data = 4}),
        scenario("Qwen3-235B-A22B", "B200", {.tensor = 2, .data = 4, .expert = 4}),
        scenario("Qwen3-Next-80B-A3B", "H100-SXM", {.tensor = 2, .pipeline = 2}),
        scenario("DeepSeek-V3", "H800", {.data = 16, .expert = 16}),
        scenario("DeepSeek-V3", "H200-SXM", {.tensor = 8, .expert = 8}),
        scenario("DeepSeek-V3", "H800", {.data = 16, .expert = 16, .redundant_experts = 32}),
        scenario("DeepSeek-V3", "H20", {.tensor = 2, .pipeline = 2, .data = 8, .expert = 16}),
        scenario("Qwen3-30B-A3B", "H100-SXM", {.data = 4, .expert = 4}),
    };
    zoo[4].pools[0].weights = DataType::fp8;
    zoo[6].pools[0].weights = DataType::int4;
    zoo[8].pools[0].role = PoolRole::decode;
    zoo[8].pools[0].runtime.moe = MoeBackend::deepep_low_latency;
    zoo[9].pools[0].kv.dtype = DataType::fp8;
    zoo[10].pools[0].role = PoolRole::decode;
    zoo[10].pools[0].runtime.moe = MoeBackend::deepep_low_latency;
    zoo[10].pools[0].runtime.moe_overlap = MoeOverlap::two_batch;
    zoo[10].pools[0].moe_routing = {
        .law = RoutingLaw::zipf, .exponent = 0.6, .counts = {}, .eplb = true, .plan_counts = {}, .plan_drift = 0.2};
    zoo[11].pools[0].role = PoolRole::prefill;
    zoo[11].pools[0].runtime.moe = MoeBackend::deepep_normal;
    zoo[11].pools[0].runtime.moe_overlap = MoeOverlap::two_batch;
    zoo[12].pools[0].runtime.moe = MoeBackend::deepep_low_latency;
    zoo[12].pools[0].runtime.moe_overlap = MoeOverlap::shared_experts;
    for (Scenario& each : zoo) {
        each.name = each.model.name + " on " + each.pools[0].gpu.name;
        each.pools[0].batching.max_batched_tokens = Tokens(4'096);
    }
    return zoo;
}

}  // namespace replayd::cost_test
