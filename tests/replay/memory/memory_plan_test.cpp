#include "replay/memory/memory_plan.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <regex>

#include "replay/catalog/scenario_toml.hpp"

namespace replayd {
namespace {

Scenario scenario(const std::string& model, const std::string& gpu, const std::string& pool) {
    const auto parsed = parse_scenario(
        "name = 's'\nmodel = '" + model + "'\ngpu = '" + gpu + "'\n[[pool]]\nrole = 'mixed'\n" + pool, "test.toml");
    EXPECT_TRUE(parsed) << parsed.error().message;
    return parsed.value();
}

MemoryPlan plan(const std::string& model, const std::string& gpu, const std::string& pool) {
    const auto plans = plan_memory(scenario(model, gpu, pool));
    EXPECT_TRUE(plans) << plans.error().message;
    return plans.value().at(0);
}

Bytes item(const MemoryPlan& plan, std::string_view name) {
    for (const MemoryItem& i : plan.items) {
        if (i.name == name) return i.bytes;
    }
    return Bytes(0);
}

// Budget = items + blocks + less than one block: nothing is lost between the lines.
TEST(PlanMemory, accounts_for_every_byte_of_the_budget) {
    const MemoryPlan p = plan("Llama-3.1-8B", "H100-SXM", "");
    EXPECT_EQ(p.budget, Bytes(85'017'493'504 / 10 * 9 + 3));
    EXPECT_EQ(p.kv_bytes_per_token, Bytes(131'072));
    EXPECT_EQ(p.kv_bytes_per_block, Bytes(131'072 * 16));
    const Bytes left = p.budget - p.used() - p.kv_bytes_per_block * p.fitting_blocks;
    EXPECT_GE(left, Bytes(0));
    EXPECT_LT(left, p.kv_bytes_per_block);
    EXPECT_EQ(p.blocks, p.fitting_blocks);
    EXPECT_FALSE(p.pinned);
    EXPECT_EQ(p.parameters, 8'030'261'248);
    for (const MemoryItem& i : p.items) {
        EXPECT_GT(i.bytes, Bytes(0)) << i.name;
        EXPECT_FALSE(i.formula.empty()) << i.name;
    }
}

// A pinned count wins, and the fitting one is still told; it may even exceed the device.
TEST(PlanMemory, keeps_a_pinned_block_count) {
    const MemoryPlan p = plan("Llama-3-70B", "RTX-4090", "kv = { num_blocks = 77 }\n");
    EXPECT_EQ(p.blocks, 77);
    EXPECT_TRUE(p.pinned);
    EXPECT_EQ(p.fitting_blocks, 0);
}

// 70 B in 16 bit on one 80 GB device: the message names what is missing and the largest item.
TEST(PlanMemory, names_the_missing_bytes) {
    const auto plans = plan_memory(scenario("Llama-3-70B", "H100-SXM", ""));
    ASSERT_FALSE(plans);
    EXPECT_EQ(plans.error().code, Code::invalid_argument);
    EXPECT_EQ(plans.error().message,
              "pool \"mixed\": no room for one KV block on H100-SXM: 66484348519 bytes are missing from a budget of "
              "76515744153; the largest item is \"weights: dense FFN\" with 112742891520 bytes; expected more "
              "parallelism, smaller weights, or a higher kv.memory_fraction");
}

// fp8 halves what is quantized; embeddings, head, router and norms stay.
TEST(PlanMemory, fp8_leaves_embeddings_in_16_bit) {
    const MemoryPlan wide = plan("Qwen3-30B-A3B", "H100-SXM", "");
    const MemoryPlan narrow = plan("Qwen3-30B-A3B", "H100-SXM", "weights = 'fp8'\n");
    EXPECT_EQ(item(narrow, "weights: embedding"), item(wide, "weights: embedding"));
    EXPECT_EQ(item(narrow, "weights: router"), item(wide, "weights: router"));
    const std::int64_t experts = item(wide, "weights: routed experts").value / 2;
    EXPECT_EQ(item(narrow, "weights: routed experts"), Bytes(experts + experts / 16'384 * 4));
    EXPECT_GT(narrow.blocks, wide.blocks);
}

// MLA in fp8 keeps a 16-bit copy of kv_b for decoding, 61 layers × 512 × 128 heads × 256 over 8 ranks.
TEST(PlanMemory, counts_the_absorbed_projection_of_quantized_mla) {
    const MemoryPlan p = plan("DeepSeek-V3", "H200-SXM", "parallel = { tensor = 8 }\n");
    EXPECT_EQ(item(p, "weights: absorbed kv_b"), Bytes(61LL * 512 * 128 * 256 / 8 * 2));
    EXPECT_EQ(p.kv_bytes_per_token, Bytes(70'272));
}

// A hybrid reserves the fixed state of every sequence it may run.
TEST(PlanMemory, reserves_linear_attention_state_per_sequence) {
    const MemoryPlan p = plan("Qwen3-Next-80B-A3B", "H200-SXM", "parallel = { tensor = 2 }\nbatching = { max_sequences = 100 }\n");
    EXPECT_EQ(p.state_bytes_per_request, Bytes((75'497'472 + 1'769'472) / 2));
    EXPECT_EQ(item(p, "linear-attention state"), p.state_bytes_per_request * 100);
}

// Two stages: the plan is the one of the stage with the fewest blocks, and each holds half the layers.
TEST(PlanMemory, reports_the_stage_that_limits_the_blocks) {
    const MemoryPlan p = plan("Llama-3-70B", "H100-SXM", "parallel = { tensor = 2, pipeline = 2 }\n");
    EXPECT_EQ(p.kv_bytes_per_token, Bytes(2 * 4 * 128 * 2 * 40));
    EXPECT_GT(item(p, "weights: LM head"), Bytes(0));
    EXPECT_EQ(item(p, "weights: embedding"), Bytes(0));
}

// More memory, fewer bytes per token or more GPUs never give fewer blocks.
TEST(PlanMemory, is_monotone_in_what_is_given) {
    const auto blocks = [](const std::string& pool) { return plan("Llama-3.1-8B", "A100-SXM-80GB", pool).blocks; };
    EXPECT_GT(blocks("kv = { memory_fraction = 0.95 }\n"), blocks("kv = { memory_fraction = 0.9 }\n"));
    EXPECT_GT(blocks("kv = { dtype = 'fp8' }\n"), blocks(""));
    EXPECT_GT(blocks("parallel = { tensor = 2 }\n"), blocks(""));
    EXPECT_LT(blocks("batching = { max_batched_tokens = 65536 }\n"), blocks(""));
}

// A prefill replica sends each KV byte once, whatever its tensor width, and the hybrid's state once per request.
TEST(TransferSize, counts_every_layer_once) {
    const TransferSize llama = transfer_size(scenario("Llama-3.1-8B", "H100-SXM", "parallel = { tensor = 4 }\n"));
    EXPECT_EQ(llama.per_token, Bytes(131'072));
    EXPECT_EQ(llama.per_request, Bytes(0));
    const TransferSize next = transfer_size(scenario("Qwen3-Next-80B-A3B", "H200-SXM", "kv = { dtype = 'fp8' }\n"));
    EXPECT_EQ(next.per_token, Bytes(12'288));
    EXPECT_EQ(next.per_request, Bytes(77'266'944));
    EXPECT_EQ(transfer_size(scenario("DeepSeek-V3", "H200-SXM", "parallel = { tensor = 8 }\n")).per_token, Bytes(70'272));
}

// A real vLLM 0.19 run on one RTX 4090 states its block count; ours must be within 3 %.
TEST(PlanMemory, finds_the_blocks_of_a_real_vllm_run) {
    const std::string path = REPLAYD_SOURCE_DIR "/../shared/data/vllm_runs/rtx4090_llama3.1-8b/vllm/meta.json";
    std::ifstream file(path);
    if (!file) GTEST_SKIP() << "no recorded run at " << path;
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    std::smatch match;
    ASSERT_TRUE(std::regex_search(text, match, std::regex("\"num_gpu_blocks\": ([0-9]+)")));
    const double real = std::stod(match[1]);
    const MemoryPlan p = plan("Llama-3.1-8B", "RTX-4090",
                              "max_context = 32768\nbatching = { max_batched_tokens = 2048, max_sequences = 256 }\n");
    std::cout << "blocks: vLLM " << real << ", planned " << p.blocks << '\n';
    RecordProperty("planned_blocks", std::to_string(p.blocks));
    EXPECT_NEAR(static_cast<double>(p.blocks), real, 0.03 * real);
}

struct Reference {
    const char* key;
    const char* model;
};

// Totals and KV bytes against reference figures that were worked out by hand from the public configurations.
TEST(PlanMemory, agrees_with_the_reference_figures) {
    const std::string path = REPLAYD_SOURCE_DIR "/../shared/data/golden_simai/correct_reference.json";
    std::ifstream file(path);
    if (!file) GTEST_SKIP() << "no reference figures at " << path;
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const Reference references[] = {{"deepseek-671B", "DeepSeek-V3"},
                                    {"qwen3-moe-235B", "Qwen3-235B-A22B"},
                                    {"qwen3-next-80B", "Qwen3-Next-80B-A3B"},
                                    {"qwen3-30B-A3B", "Qwen3-30B-A3B"},
                                    {"qwen3-8B", "Qwen3-8B"}};
    for (const Reference& r : references) {
        const std::string section = text.substr(text.find(std::string("\"") + r.key + '"'));
        std::smatch match;
        ASSERT_TRUE(std::regex_search(section, match, std::regex("\"total_params\": ([0-9]+)"))) << r.key;
        const MemoryPlan p = plan(r.model, "B200", "kv = { num_blocks = 1 }\n");
        EXPECT_EQ(std::to_string(p.parameters), match[1].str()) << r.key;
        ASSERT_TRUE(std::regex_search(section, match, std::regex("\"bf16\": ([0-9]+)"))) << r.key;
        EXPECT_EQ(std::to_string(p.kv_bytes_per_token.value), match[1].str()) << r.key;
    }
}

}  // namespace
}  // namespace replayd
