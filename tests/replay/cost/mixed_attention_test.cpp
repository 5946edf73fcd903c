// Decodes that share a step with prompts, where vLLM runs FlashAttention 2.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "replay/cost/tables/measured_columns.hpp"
#include "tests/replay/cost/cost_fixture.hpp"
#include "tests/source_paths.hpp"

namespace replayd::cost_test {
namespace {

StepShape mixed_step(std::int64_t prompt, std::int64_t decodes, std::int64_t context) {
    StepShape shape = prefill_step(1, prompt);
    shape += decode_step(decodes, context);
    return shape;
}

// Each query head of a decode takes a block of 64 rows, at the prefill kernel's rate per pair.
TEST(MixedAttention, decodes_beside_a_prompt_compute_whole_blocks_of_query_rows) {
    for (const char* gpu : {"RTX-4090", "RTX-PRO-6000", "A100-SXM-80GB"}) {
        const Model model = model_of(scenario("Llama-3.1-8B", gpu));
        const OperatorCost alone = operator_of(*model, decode_step(64, 2'000), "attention.decode");
        const OperatorCost beside = operator_of(*model, mixed_step(512, 64, 2'000), "attention.decode");
        EXPECT_DOUBLE_EQ(beside.flops, 64 * alone.flops) << gpu;
        EXPECT_GT(beside.compute, alone.memory) << gpu;
        EXPECT_EQ(beside.memory, alone.memory) << gpu;
        StepShape pairs;
        pairs.prefill_tokens = 1;
        pairs.prefill_pairs = 64 * 64 * 2'000;
        const OperatorCost prompt = operator_of(*model, pairs, "attention.prefill");
        EXPECT_NEAR(static_cast<double>(beside.compute.value) / static_cast<double>(prompt.compute.value), 1, 1e-3)
            << gpu;
    }
}

// Version 3 on Hopper packs query heads in every batch; FlashInfer serves data-centre Blackwell, and caches in fp8.
TEST(MixedAttention, decodes_cost_the_same_beside_a_prompt_where_another_kernel_serves) {
    const auto same = [](const Scenario& each) {
        const Model model = model_of(each);
        EXPECT_EQ(operator_of(*model, decode_step(64, 2'000), "attention.decode").total,
                  operator_of(*model, mixed_step(512, 64, 2'000), "attention.decode").total)
            << each.pools[0].gpu.name;
    };
    same(scenario("Llama-3.1-8B", "H100-SXM"));
    same(scenario("Llama-3.1-8B", "B200"));
    Scenario quantized = scenario("Llama-3.1-8B", "RTX-4090");
    quantized.pools[0].kv.dtype = DataType::fp8;
    same(quantized);
}

struct Measured {
    StepShape shape;
    double us = 0;
};

/// Batches of 512 to 2,048 new tokens beside 16 to 128 decodes of 512 to 4,096 tokens of context.
std::vector<Measured> measured_mixes(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    const std::string csv = text.str();
    const auto columns = cost::MeasuredColumns::read(path, csv).value();
    const auto chunk = columns.numbers("prefill_chunk", 0).value();
    const auto computed = columns.numbers("kv_prefill", 0).value();
    const auto decodes = columns.numbers("n_decode", 0).value();
    const auto context = columns.numbers("kv_decode", 0).value();
    const auto us = columns.times("time_us").value();
    std::vector<Measured> mixes;
    for (std::size_t i = 0; i < us.size(); ++i) {
        if (chunk[i] < 512 || computed[i] > 0 || decodes[i] < 16 || decodes[i] > 128 || context[i] < 512 ||
            context[i] > 4'096) {
            continue;
        }
        mixes.push_back({mixed_step(static_cast<std::int64_t>(chunk[i]), static_cast<std::int64_t>(decodes[i]),
                                    static_cast<std::int64_t>(context[i])), us[i]});
    }
    return mixes;
}

double attention_us(const Model& model, const StepShape& shape) {
    double us = 0;
    for (const OperatorCost& cost : model->explain(shape)) {
        if (cost.name != "attention.prefill" && cost.name != "attention.decode") continue;
        us += 1e-3 * static_cast<double>((cost.fixed + std::max(cost.compute, cost.memory)).value);
    }
    return us;
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

struct Errors {
    double mixed = 0;     ///< median, as priced
    double separate = 0;  ///< median, were prompts and decodes two kernels
};

Errors errors_on(const std::string& model_name, const std::string& gpu, const std::string& file) {
    const Model model = model_of(scenario(model_name, gpu));
    std::vector<double> mixed;
    std::vector<double> separate;
    for (const Measured& mix : measured_mixes(file)) {
        StepShape prompts = mix.shape;
        prompts.decode_sequences = prompts.decode_context = 0;
        StepShape decodes;
        decodes.decode_sequences = mix.shape.decode_sequences;
        decodes.decode_context = mix.shape.decode_context;
        mixed.push_back(std::abs(attention_us(model, mix.shape) / mix.us - 1));
        separate.push_back(std::abs((attention_us(model, prompts) + attention_us(model, decodes)) / mix.us - 1));
    }
    const Errors errors{median(mixed), median(separate)};
    std::printf("%s on %s: %zu mixed batches, median error %.1f %%, as two kernels %.1f %%\n", model_name.c_str(),
                gpu.c_str(), mixed.size(), 100 * errors.mixed, 100 * errors.separate);
    return errors;
}

// No constant was fitted to mixed batches: the block is the kernel's, the rate that of the public prefill tables (of
// another GPU for the RTX 4090).
TEST(MixedAttention, meets_measured_batches_of_prompts_and_decodes) {
    const std::string root = REPLAYD_SOURCE_DIR "/../shared/data/vllm_runs/kernel_profiles/";
    if (!std::filesystem::exists(root)) GTEST_SKIP() << root << " is not there";
    for (const auto& [model, gpu, folder] : {
             std::array{"Qwen3-32B", "RTX-PRO-6000", "RTXPRO6000/Qwen/Qwen3-32B"},
             std::array{"Qwen3-30B-A3B", "RTX-PRO-6000", "RTXPRO6000/Qwen/Qwen3-30B-A3B-Instruct-2507"},
             std::array{"Llama-3.1-8B", "RTX-4090", "RTX4090/meta-llama/Llama-3.1-8B"},
         }) {
        const Errors errors = errors_on(model, gpu, root + folder + "/bf16/tp1/attention.csv");
        EXPECT_LT(errors.mixed, 0.25) << model;
        EXPECT_LT(errors.mixed, 0.6 * errors.separate) << model;
    }
}

}  // namespace
}  // namespace replayd::cost_test
