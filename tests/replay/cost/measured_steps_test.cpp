// Whole steps of a dense and a mixture-of-experts decoder, measured under CUDA graphs by replay/cost/profile,
// against the analytic model. Of the model only the host's constant was read off these steps; the rest comes from
// kernel tables.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "replay/cost/eval/csv_table.hpp"
#include "tests/replay/cost/cost_fixture.hpp"
#include "tests/source_paths.hpp"

namespace replayd::cost_test {
namespace {

struct MeasuredStep {
    std::string model;
    std::int64_t tensor = 1;
    StepShape shape;
    double gpu_us = 0;
    double wall_us = 0;
};

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

MeasuredStep step_of(const cost::CsvTable& table, const std::vector<std::string_view>& row) {
    const auto cell = [&](std::string_view name) { return std::string(row[table.column(name).value()]); };
    const auto count = [&](std::string_view name) { return static_cast<std::int64_t>(std::stoll(cell(name))); };
    MeasuredStep step{cell("model"), count("tensor"), {}, std::stod(cell("gpu_us")), std::stod(cell("wall_us"))};
    const std::int64_t sequences = count("prefill_sequences");
    const std::int64_t tokens = count("prefill_tokens");
    const std::int64_t computed = count("computed");
    StepShape& shape = step.shape;
    shape.prefill_sequences = sequences;
    shape.prefill_tokens = sequences * tokens;
    shape.prefill_pairs = sequences * (tokens * computed + tokens * (tokens + 1) / 2);
    shape.prefill_context = sequences * (tokens + computed);
    shape.prefill_squares = sequences * tokens * tokens;
    shape.prefill_past_tiles = sequences * ((computed + k_kv_tile_tokens - 1) / k_kv_tile_tokens);
    shape.decode_sequences = count("decode_sequences");
    shape.decode_context = shape.decode_sequences * count("decode_context");
    shape.sampled_sequences = sequences + shape.decode_sequences;
    return step;
}

std::vector<MeasuredStep> steps_of(const std::string& file) {
    const std::string path = std::string(REPLAYD_SOURCE_DIR) + "/replay/cost/profile/measurements/" + file;
    const std::string text = text_of(path);
    const auto table = cost::parse_csv(path, text);
    std::vector<MeasuredStep> steps;
    if (!table) {
        ADD_FAILURE() << table.error().message;
        return steps;
    }
    for (const auto& row : table->rows) steps.push_back(step_of(*table, row));
    return steps;
}

std::string phase_of(const StepShape& shape) {
    if (shape.prefill_sequences == 0) return "decode";
    if (shape.decode_sequences > 0) return "mixed";
    return shape.prefill_past_tiles > 0 ? "prefill after a prefix" : "prefill";
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

/// |predicted / measured - 1| of every step, by model and phase. The host's part stands against wall time only.
std::map<std::string, std::vector<double>> errors_of(const std::string& file, const std::string& gpu) {
    std::map<std::string, std::vector<double>> errors;
    std::map<std::string, Model> models;
    for (const MeasuredStep& step : steps_of(file)) {
        Model& model = models[step.model];
        if (!model) model = model_of(scenario(step.model, gpu, {.tensor = step.tensor}));
        const double total = static_cast<double>(step_ns(*model, step.shape)) * 1e-3;
        const double host = static_cast<double>(operator_of(*model, step.shape, "host").total.value) * 1e-3;
        const double error = std::abs((total - host) / step.gpu_us - 1);
        errors[step.model + ", " + phase_of(step.shape)].push_back(error);
        errors[step.model].push_back(error);
        errors[step.model + ", wall"].push_back(std::abs(total / step.wall_us - 1));
    }
    for (const auto& [name, values] : errors) {
        std::printf("%-10s %-42s %3zu steps, median %4.1f %%, largest %4.1f %%\n", gpu.c_str(), name.c_str(),
                    values.size(), 100 * median(values), 100 * *std::max_element(values.begin(), values.end()));
    }
    return errors;
}

void expect_medians_within(const std::string& file, const std::string& gpu, std::size_t groups, double limit) {
    const auto errors = errors_of(file, gpu);
    EXPECT_GE(errors.size(), groups);
    for (const auto& [name, values] : errors) EXPECT_LE(median(values), limit) << gpu << " " << name;
}

// The target of the issue that the cost model was built for: 8 % for dense and MoE, decode and prefill.
TEST(MeasuredSteps, on_one_h100_are_met_within_8_per_cent_in_the_median_of_every_phase) {
    expect_medians_within("h100_sxm/steps.csv", "H100-SXM", 12, 0.08);
}

// The H200 is priced by the H100's attention and experts, carried over, and by its own products.
TEST(MeasuredSteps, on_one_h200_are_met_within_8_per_cent_in_the_median_of_every_phase) {
    expect_medians_within("h200_sxm/steps.csv", "H200-SXM", 12, 0.08);
}

// Models that no constant was chosen by, dense and MoE: what the cost model is worth on the next model.
TEST(MeasuredSteps, of_other_models_on_one_h100_are_met_within_8_per_cent_in_the_median_of_every_phase) {
    expect_medians_within("h100_sxm/steps_other_models.csv", "H100-SXM", 18, 0.08);
}

// NCCL's all-reduce was measured without multicast; the model prices vLLM's one-shot kernel.
TEST(MeasuredSteps, of_two_tensor_parallel_h100_are_met_within_8_per_cent_in_the_median) {
    expect_medians_within("h100_sxm/steps_tensor_parallel.csv", "H100-SXM", 8, 0.08);
}

/// Experts of Mixtral's kind: wide, so that a prompt keeps the tensor cores busy. vLLM ships a tuned configuration for
/// them, which its public table times and the model prices; the profiler's Triton kernel takes up to a fifth longer.
/// OLMoE's smallest decodes start 10 µs a layer earlier than vLLM's.
const std::set<std::string> k_other_kernels = {
    "Mixtral-8x7B", "Mixtral-8x7B, wall", "Mixtral-8x7B, prefill", "Mixtral-8x7B, prefill after a prefix",
    "Mixtral-8x7B, mixed", "OLMoE-1B-7B, decode", "OLMoE-1B-7B, wall"};

void expect_medians_but_of_other_kernels_within(const std::string& file, const std::string& gpu, double limit) {
    for (const auto& [name, values] : errors_of(file, gpu)) {
        EXPECT_LE(median(values), k_other_kernels.contains(name) ? 0.2 : limit) << gpu << " " << name;
    }
}

TEST(MeasuredSteps, of_other_models_on_two_h100_are_met_within_8_per_cent_but_where_the_kernel_is_another) {
    expect_medians_but_of_other_kernels_within("h100_sxm/steps_tensor_parallel_other_models.csv", "H100-SXM", 0.08);
}

TEST(MeasuredSteps, of_other_models_on_one_h200_are_met_within_8_per_cent_but_where_the_kernel_is_another) {
    expect_medians_but_of_other_kernels_within("h200_sxm/steps_other_models.csv", "H200-SXM", 0.08);
}

}  // namespace
}  // namespace replayd::cost_test
