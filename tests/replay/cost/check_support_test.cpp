// Every combination that no operator can price, with its exact message.

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "replay/catalog/scenario_toml.hpp"
#include "replay/cost/tables/step_profile.hpp"

#include "tests/replay/cost/cost_fixture.hpp"

namespace replayd::cost_test {
namespace {

struct BadCase {
    const char* model;
    std::function<void(Scenario&, PoolSpec&)> spoil;
    const char* message;
};

const BadCase k_cases[] = {
    {"Llama-3.1-8B", [](Scenario&, PoolSpec& p) { p.parallel.tensor = 0; },
     "pool \"only\": parallel.tensor is 0: expected 1 or more"},
    {"Llama-3.1-8B", [](Scenario&, PoolSpec& p) { p.parallel.data = -2; },
     "pool \"only\": parallel.data is -2: expected 1 or more"},
    {"Llama-3.1-8B", [](Scenario&, PoolSpec& p) { p.parallel.expert = 0; },
     "pool \"only\": parallel.expert is 0: expected 1 or more"},
    {"Llama-3.1-8B", [](Scenario&, PoolSpec& p) { p.parallel.pipeline = 33; },
     "pool \"only\": parallel.pipeline is 33: expected at most the 32 layers of model \"Llama-3.1-8B\""},
    {"Llama-3.1-8B", [](Scenario&, PoolSpec& p) { p.parallel.expert = 2; },
     "pool \"only\": parallel.expert is 2: expected 1, since model \"Llama-3.1-8B\" has no experts"},
    {"Qwen3-30B-A3B", [](Scenario&, PoolSpec& p) { p.parallel = {.tensor = 4, .data = 2, .expert = 3}; },
     "pool \"only\": parallel.expert is 3: expected 1 or a divisor of tensor × data = 8"},
    {"Qwen3-30B-A3B", [](Scenario&, PoolSpec& p) { p.parallel = {.data = 3, .expert = 3}; },
     "pool \"only\": parallel.expert is 3: expected a divisor of the 128 experts of model \"Qwen3-30B-A3B\""},
    {"Llama-3.1-8B", [](Scenario&, PoolSpec& p) { p.parallel.tensor = 5; },
     "pool \"only\": attention.q_heads of model \"Llama-3.1-8B\" is 32: expected a multiple of the pool's tensor = 5"},
    {"Llama-3.1-8B",
     [](Scenario& s, PoolSpec& p) {
         s.model.attention.kv_heads = 3;
         p.parallel.tensor = 4;
     },
     "pool \"only\": attention.kv_heads of model \"Llama-3.1-8B\" is 3: expected a multiple or a divisor of the pool's "
     "tensor = 4"},
    {"Qwen3-Next-80B-A3B",
     [](Scenario& s, PoolSpec& p) {
         s.model.linear_attention->k_heads = 6;
         p.parallel.tensor = 4;
     },
     "pool \"only\": linear_attention.k_heads of model \"Qwen3-Next-80B-A3B\" is 6: expected a multiple of the pool's "
     "tensor = 4"},
    {"Llama-3.1-8B", [](Scenario&, PoolSpec& p) { p.weights = DataType::fp32; },
     "pool \"only\": weights is fp32: expected bf16, fp8, int8 or int4"},
    {"Llama-3.1-8B", [](Scenario&, PoolSpec& p) { p.kv.dtype = DataType::int4; },
     "pool \"only\": kv.dtype is int4: expected bf16, fp8 or int8"},
    {"Llama-3.1-8B", [](Scenario&, PoolSpec& p) { p.gpu.hbm_bytes_per_s = 0; },
     "pool \"only\": hbm_bytes_per_s of gpu \"H100-SXM\" is 0: expected its peak memory bandwidth"},
    {"Llama-3.1-8B", [](Scenario&, PoolSpec& p) { p.gpu.bf16_flops = 0; },
     "pool \"only\": bf16_flops of gpu \"H100-SXM\" is 0: expected its peak dense bf16 rate"},
    {"Llama-3.1-8B",
     [](Scenario&, PoolSpec& p) {
         p.parallel.tensor = 2;
         p.gpu.nvlink_bytes_per_s = p.gpu.pcie_bytes_per_s = 0;
     },
     "pool \"only\": nvlink_bytes_per_s of gpu \"H100-SXM\" is 0: expected a link inside the node (nvlink or pcie), "
     "since a replica has 2 GPUs"},
    {"Llama-3.1-8B",
     [](Scenario&, PoolSpec& p) {
         p.parallel.pipeline = 16;
         p.gpu.nic_bytes_per_s = 0;
     },
     "pool \"only\": nic_bytes_per_s of gpu \"H100-SXM\" is 0: expected a network, since a replica of 16 GPUs spans "
     "nodes of 8"},
    {"Llama-3.1-8B", [](Scenario& s, PoolSpec&) { s.model.hidden = 0; },
     "pool \"only\": hidden of model \"Llama-3.1-8B\" is 0: expected 1 or more"},
    {"Llama-3.1-8B", [](Scenario& s, PoolSpec&) { s.model.ffn = 0; },
     "pool \"only\": ffn of model \"Llama-3.1-8B\" is 0: expected 1 or more, since it has dense layers"},
    {"Qwen3-30B-A3B", [](Scenario& s, PoolSpec&) { s.model.moe->top_k = 129; },
     "pool \"only\": moe.top_k of model \"Qwen3-30B-A3B\" is 129: expected 1 to the number of experts, 128"},
    {"Llama-3.1-8B", [](Scenario&, PoolSpec& p) { p.batching.max_batched_tokens = Tokens(4'194'305); },
     "pool \"only\": batching.max_batched_tokens is 4194305: expected 1 to 4194304"},
    {"Llama-3.1-8B", [](Scenario&, PoolSpec& p) { p.batching.max_sequences = 0; },
     "pool \"only\": batching.max_sequences is 0: expected 1 to 4194304"},
    {"Llama-3.1-8B",
     [](Scenario&, PoolSpec& p) {
         p.batching.max_sequences = 8'192;
         p.max_context = Tokens(1'048'576);
     },
     "pool \"only\": max_context is 1048576: expected at most 524288 with max_batched_tokens = 8192 and "
     "max_sequences = 8192"},
    {"Llama-3.1-8B", [](Scenario&, PoolSpec& p) { p.gpu.hbm_bytes_per_s = 1e-3; },
     "pool \"only\": operator \"embedding\": its time is out of range: check that the model's dimensions and the GPU's "
     "FLOP/s, bandwidths and links are right"},
};

TEST(CheckSupport, each_impossible_combination_is_refused_with_its_message) {
    for (const BadCase& bad : k_cases) {
        Scenario each = scenario(bad.model, "H100-SXM");
        bad.spoil(each, each.pools[0]);
        const auto model = make_cost_model(each, each.pools[0]);
        ASSERT_FALSE(model) << bad.message;
        EXPECT_EQ(model.error().code, Code::invalid_argument);
        EXPECT_EQ(model.error().message, bad.message);
    }
}

TEST(CheckSupport, every_shipped_scenario_is_priced) {
    for (const auto& [name, toml] : built_in_scenarios()) {
        const auto each = parse_scenario(toml, name);
        ASSERT_TRUE(each) << each.error().message;
        for (const PoolSpec& pool : each->pools) {
            const auto model = make_cost_model(*each, pool);
            EXPECT_TRUE(model) << name << ": " << (model ? "" : model.error().message);
        }
    }
}

// What the catalog holds must be priced: every model on every GPU, on as many GPUs as one node has.
TEST(CheckSupport, every_catalog_model_is_priced_on_every_catalog_gpu) {
    for (const std::string& model : Catalog::built_in().model_names()) {
        for (const std::string& gpu : Catalog::built_in().gpu_names()) {
            const Scenario each = scenario(model, gpu, {.tensor = 8});
            EXPECT_TRUE(make_cost_model(each, each.pools[0])) << model << " on " << gpu;
        }
    }
}

// A profile prices operators one after another: what would be hidden behind others must not be left out in silence.
TEST(CheckSupport, overlap_is_refused_with_a_profile) {
    Scenario scenario = parse_scenario(built_in_scenarios().at("deepseek-v3-h800-pd"), "s").value();
    scenario.cost = CostSource::profile;
    PoolSpec& pool = scenario.pools.back();
    pool.profile = std::make_shared<const cost::StepProfile>();
    pool.runtime.moe_overlap = MoeOverlap::two_batch;
    const auto model = make_cost_model(scenario, pool);
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().message, "pool \"" + pool.name + "\": runtime.moe_overlap is set: expected \"none\" with "
                                     "cost.source = \"profile\", which prices operators one after another");
}

}  // namespace
}  // namespace replayd::cost_test
