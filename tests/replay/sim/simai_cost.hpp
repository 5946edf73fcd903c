#pragma once
// The closed-form cost tables of SimAI's vidur fork and how it adds them up to a batch: a cost model that no one should
// plan with, and that makes its runs comparable with ours. Spec pd_memory_simai.md, sections 5.1 and 5.2.

#include <algorithm>
#include <cmath>

#include "replay/cost/cost_model.hpp"

namespace replayd::test {

/// What the tables depend on.
struct SimaiCostSpec {
    std::int64_t layers = 0;
    std::int64_t tensor = 1;
    std::int64_t pipeline = 1;
    bool grouped_queries = false;  ///< more query heads than key-value heads
    bool mlp_norm = true;
    bool cpu_overhead = false;
    double decode_overhead = 0.1;  ///< of attention over more than one sequence, with grouped queries
    double prefill_overhead = 0.1;
    double collective_launch_ms = 0.02;
};

class SimaiCost final : public CostModel {
public:
    explicit SimaiCost(const SimaiCostSpec& spec) : spec_(spec) {}

    [[nodiscard]] std::int64_t stages() const override { return spec_.pipeline; }

    void step(const StepShape& shape, std::span<Duration> out) const override {
        const std::int64_t tokens = shape.prefill_tokens + shape.decode_sequences;
        const double rounded = static_cast<double>((tokens + 7) / 8 * 8);
        const double layers = static_cast<double>(spec_.layers) / static_cast<double>(spec_.pipeline);
        const double block = block_ms(rounded, static_cast<double>(tokens), shape);
        const double cpu = spec_.cpu_overhead ? cpu_ms(shape.prefill_sequences + shape.decode_sequences) : 0;
        for (std::size_t stage = 0; stage < out.size(); ++stage) {
            const double send = stage + 1 == out.size() ? 0 : 0.01 + 0.001 * rounded;
            out[stage] = tokens == 0 ? Duration(0) : Duration(std::llround((block * layers + send + cpu) * 1e6));
        }
    }

    /// The tables look decode attention up by the mean context, so that a long one costs less beside a short one than
    /// alone. The shortest context bounds it from below.
    void alone(const StepShape& shape, std::span<Duration> out) const override {
        StepShape shortest = shape;
        shortest.decode_context = shape.decode_sequences;
        step(shortest, out);
    }
    [[nodiscard]] bool alone_is_step() const override { return false; }

    [[nodiscard]] std::vector<OperatorCost> explain(const StepShape&) const override { return {}; }

private:
    /// One layer; `rounded` is the token count up to a multiple of 8, as every GEMM is looked up.
    [[nodiscard]] double block_ms(double rounded, double tokens, const StepShape& shape) const {
        const double projections = 2 * (0.001 + 0.0001 * rounded) + 2 * (0.0015 + 0.00015 * rounded);
        const double activation = 0.0005 + 0.00005 * rounded;
        const double norms = (spec_.mlp_norm ? 2 : 1) * (0.0003 + 0.00003 * rounded);
        const double add = 0.0001 + 0.00001 * rounded;
        const double kv_save = 0.0002 + 0.00002 * tokens;
        const double reduce = spec_.tensor == 1 ? 0 : 0.02 + 0.002 * rounded + spec_.collective_launch_ms;
        return projections + activation + norms + add + kv_save + 2 * reduce + decode_ms(shape) + prefill_ms(shape);
    }

    [[nodiscard]] double decode_ms(const StepShape& shape) const {
        if (shape.decode_sequences == 0) return 0;
        const std::int64_t mean = shape.decode_context / shape.decode_sequences;
        const double context = static_cast<double>((mean + 63) / 64 * 64);
        const double sequences = static_cast<double>(shape.decode_sequences);
        const double overhead = spec_.grouped_queries && shape.decode_sequences > 1 ? spec_.decode_overhead : 0;
        return (0.005 + 0.002 * sequences + 0.0005 * context / 100) * (1 + overhead);
    }

    [[nodiscard]] double prefill_ms(const StepShape& shape) const {
        if (shape.prefill_sequences == 0) return 0;
        const double past = static_cast<double>(shape.prefill_past_tiles * k_kv_tile_tokens);
        // Ties to even, the default rounding of both languages.
        const double chunk = std::nearbyint(std::sqrt(static_cast<double>(shape.prefill_squares)));
        const double overhead = spec_.grouped_queries && shape.prefill_sequences > 1 ? spec_.prefill_overhead : 0;
        return (0.01 + 0.001 * past / 100 + 0.0001 * chunk * chunk / 10'000) * (1 + overhead);
    }

    /// Scheduling, sampling, preparing inputs, processing outputs, messages between workers.
    [[nodiscard]] static double cpu_ms(std::int64_t sequences) { return 2.8 + 0.28 * static_cast<double>(sequences); }

    SimaiCostSpec spec_;
};

}  // namespace replayd::test
