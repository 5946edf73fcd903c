// Memory of attention and FFN GPUs against the figures of Step-3 (arXiv 2507.19427) and of its own arithmetic.

#include "replay/memory/afd_memory.hpp"

#include <gtest/gtest.h>

#include "tests/replay/memory/fixture.hpp"

namespace replayd {
namespace {

Scenario step3(std::int64_t attention_servers, std::int64_t ffn_servers, const std::string& weights = "fp8",
               const std::string& more = "") {
    return scenario_of(
        "Step-3", "H800",
        "weights = '" + weights +
            "'\nkv = { dtype = 'fp8' }\nparallel = { data = " + std::to_string(8 * attention_servers) +
            " }\nbatching = { max_batched_tokens = 384, max_sequences = 384, long_prefill_threshold = 1 }\n" + more +
            "[pool.afd]\nattention_servers = " + std::to_string(attention_servers) +
            "\nffn_servers = " + std::to_string(ffn_servers) +
            "\n[pool.afd.ffn]\ntensor = 8\nexpert = " + std::to_string(ffn_servers) + "\n");
}

double giga(Bytes bytes) {
    return static_cast<double>(bytes.value) / 1e9;
}

Bytes weights_of(const MemoryPlan& plan) {
    Bytes sum{0};
    for (const MemoryItem& item : plan.items) sum += item.name.starts_with("weights: ") ? item.bytes : Bytes(0);
    return sum;
}

TEST(AfdMemory, attention_gpus_hold_all_attention_router_and_vocabulary_and_no_ffn) {
    const Scenario fp8 = step3(2, 2);
    const MemoryPlan plan = plan_pool(fp8.model, fp8.pools.front());
    EXPECT_NEAR(giga(item_bytes(plan.items, "weights: attention")), 10.3, 0.05);
    EXPECT_NEAR(giga(item_bytes(plan.items, "weights: embedding") + item_bytes(plan.items, "weights: LM head")), 3.7,
                0.01);
    EXPECT_EQ(item_bytes(plan.items, "weights: router"), Bytes(56 * 48 * 7'168 * 2));
    for (const char* name : {"dense FFN", "routed experts", "shared experts"}) {
        EXPECT_EQ(item_bytes(plan.items, std::string("weights: ") + name), Bytes(0)) << name;
    }
    const Scenario bf16 = step3(2, 2, "bf16");
    EXPECT_NEAR(giga(item_bytes(plan_pool(bf16.model, bf16.pools.front()).items, "weights: attention")), 20.7, 0.05);
}

TEST(AfdMemory, ffn_gpus_hold_a_share_of_dense_layers_and_experts_and_no_kv) {
    const Scenario fp8 = step3(2, 2);
    const MemoryPlan plan = plan_ffn(fp8.model, fp8.pools.front());
    EXPECT_NEAR(giga(weights_of(plan)), 19.0, 0.05);
    EXPECT_EQ(plan.blocks, 0);
    EXPECT_EQ(plan.fitting_blocks, 0);
    EXPECT_EQ(plan.kv_bytes_per_token, Bytes(0));
    EXPECT_EQ(plan.missing, Bytes(0));
    const Scenario bf16 = step3(2, 2, "bf16");
    EXPECT_NEAR(giga(weights_of(plan_ffn(bf16.model, bf16.pools.front()))), 38.0, 0.05);
}

TEST(AfdMemory, both_roles_together_hold_every_parameter_once) {
    const Scenario scenario = step3(2, 2);
    const ModelSpec& model = scenario.model;
    std::int64_t elements = 0;
    for (const WeightPart& part : weight_parts(attention_model(model), {}, pipeline_stage(model, 1, 0)))
        elements += part.elements;
    for (const WeightPart& part : router_parts(model, scenario.pools.front())) elements += part.elements;
    const MemoryPlan ffn = plan_ffn(model, scenario.pools.front());
    // fp8: a byte an element and four for each block of 128 x 128.
    const double per_element = 1 + 4.0 / (128 * 128);
    const double of_ffn = 16 * static_cast<double>(weights_of(ffn).value) / per_element;
    EXPECT_NEAR((static_cast<double>(elements) + of_ffn) / static_cast<double>(parameter_count(model)), 1, 1e-4);
    EXPECT_NEAR(static_cast<double>(parameter_count(model)) / 1e9, 316.3, 0.1);
}

// 6144 requests of 4K on 16 attention GPUs: 384 each.
TEST(AfdMemory, the_kv_of_384_requests_of_4k_takes_49_gigabytes_and_fits) {
    const Scenario scenario = step3(2, 2);
    const MemoryPlan plan = plan_pool(scenario.model, scenario.pools.front());
    EXPECT_EQ(plan.kv_bytes_per_token, Bytes(31'232));
    EXPECT_NEAR(giga(plan.kv_bytes_per_token * (384 * 4'096)), 49.1, 0.05);
    EXPECT_GE(plan.blocks * 16, 384 * 4'096);
}

TEST(AfdMemory, twice_the_attention_servers_halve_the_kv_of_each_gpu_for_the_same_batch) {
    const Scenario wide = step3(4, 2);
    const MemoryPlan plan = plan_pool(wide.model, wide.pools.front());
    EXPECT_NEAR(giga(plan.kv_bytes_per_token * (6'144 / 32 * 4'096)), 49.1 / 2, 0.05);
}

TEST(AfdMemory, stage_buffers_are_those_of_the_connector) {
    const Scenario scenario = step3(2, 2);
    const PoolSpec& pool = scenario.pools.front();
    // 384 rows a rank over 3 stages, and a chunk of one token.
    ASSERT_EQ(stage_rows_max(pool), 129);
    EXPECT_EQ(attention_stage_buffers(scenario.model, pool), Bytes(3 * (1 + 2) * 129 * 2 * 7'168));
    // Two attention servers' rows on each of the 8 GPUs of a server.
    EXPECT_EQ(ffn_stage_buffers(scenario.model, pool), Bytes((3 + 1) * 2 * 129 * 2 * 7'168));
}

TEST(AfdMemory, a_prompt_that_is_not_cut_may_fill_one_stage_with_the_whole_step) {
    Scenario scenario = step3(2, 2);
    scenario.pools.front().batching.long_prefill_threshold = Tokens(0);
    EXPECT_EQ(stage_rows_max(scenario.pools.front()), 384);
}

TEST(AfdMemory, an_ffn_server_without_room_is_an_error_that_says_what_to_do) {
    const Scenario scenario = step3(2, 1, "bf16");
    const auto plans = plan_memory(scenario);
    ASSERT_FALSE(plans);
    EXPECT_TRUE(plans.error().message.starts_with("pool \"mixed\": an FFN GPU needs ")) << plans.error().message;
    EXPECT_TRUE(
        plans.error().message.ends_with("device x memory_fraction: spread the experts over more GPUs "
                                        "(pool.afd.ffn.tensor or expert, and ffn_servers), or lower "
                                        "batching.max_batched_tokens"))
        << plans.error().message;
}

}  // namespace
}  // namespace replayd
