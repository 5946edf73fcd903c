#include "replay/memory/memory_plan.hpp"

#include <iostream>

#include "tests/replay/memory/fixture.hpp"

namespace replayd {
namespace {

MemoryPlan plan(const std::string& model, const std::string& gpu, const std::string& pool) {
    const auto plans = plan_memory(scenario_of(model, gpu, pool));
    EXPECT_TRUE(plans) << plans.error().message;
    return plans.value().at(0);
}

Bytes item(const MemoryPlan& plan, std::string_view name) { return item_bytes(plan.items, name); }

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

// A hybrid's fixed state is taken in KV blocks for every running sequence, so it is no item beside them.
TEST(PlanMemory, tells_linear_attention_state_per_sequence) {
    const MemoryPlan p =
        plan("Qwen3-Next-80B-A3B", "H200-SXM", "parallel = { tensor = 2 }\nbatching = { max_sequences = 100 }\n");
    EXPECT_EQ(p.state_bytes_per_request, Bytes((75'497'472 + 1'769'472) / 2));
    for (const MemoryItem& i : p.items) EXPECT_EQ(i.name.find("state"), std::string::npos) << i.name;
}

// Two stages: the plan is the one of the stage with the fewest blocks, and each holds half the layers. Sampling 1,024
// sequences takes more than a forward pass, so the last stage limits.
TEST(PlanMemory, reports_the_stage_that_limits_the_blocks) {
    const MemoryPlan p = plan("Llama-3-70B", "H100-SXM",
                              "parallel = { tensor = 2, pipeline = 2 }\nbatching = { max_sequences = 1024 }\n");
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
    const TransferSize llama = transfer_size(scenario_of("Llama-3.1-8B", "H100-SXM", "parallel = { tensor = 4 }\n"));
    EXPECT_EQ(llama.per_token, Bytes(131'072));
    EXPECT_EQ(llama.per_request, Bytes(0));
    const TransferSize next = transfer_size(scenario_of("Qwen3-Next-80B-A3B", "H200-SXM", "kv = { dtype = 'fp8' }\n"));
    EXPECT_EQ(next.per_token, Bytes(12'288));
    EXPECT_EQ(next.per_request, Bytes(77'266'944));
    EXPECT_EQ(transfer_size(scenario_of("DeepSeek-V3", "H200-SXM", "parallel = { tensor = 8 }\n")).per_token,
              Bytes(70'272));
}

// A real vLLM 0.19 run on one RTX 4090 states its block count; ours must be within 2 %, and every term says whether it
// is physics, a habit of the engine by its source, or an assumption. One assumption, the catalog's runtime_bytes of
// this GPU, is what this very run leaves beside the other terms; vllm_logs_test.cpp has the runs that gave no term.
TEST(PlanMemory, finds_the_blocks_of_a_real_vllm_run) {
    const std::string path = "vllm_runs/rtx4090_llama3.1-8b/vllm/meta.json";
    const auto text = shared_text(path);
    if (!text) GTEST_SKIP() << "no recorded run at " << shared_path(path);
    const TomlNode meta = parse_json_object(*text, path).value();
    const TomlNode& engine = at(meta, "engine_kwargs");
    const double real = number_at(at(meta, "kv_cache"), "num_gpu_blocks");
    Scenario s = scenario_of("Llama-3.1-8B", "RTX-4090",
                             "max_context = " + std::to_string(integer_at(engine, "max_model_len")) +
                                 "\nbatching = { max_batched_tokens = " +
                                 std::to_string(integer_at(engine, "max_num_batched_tokens")) + ", max_sequences = " +
                                 std::to_string(integer_at(engine, "max_num_seqs")) + " }\n");
    EXPECT_EQ(s.pools[0].gpu.memory, Bytes(integer_at(at(meta, "hardware"), "device_total_memory_bytes")));
    s.pools[0].kv.memory_fraction = number_at(at(meta, "kv_cache"), "gpu_memory_utilization");
    s.pools[0].kv.block = Tokens(integer_at(at(meta, "kv_cache"), "block_size"));
    const MemoryPlan p = plan_memory(s).value().at(0);
    const char* const basis[] = {"physics", "habit", "assumption"};
    for (const MemoryItem& i : p.items) {
        std::cout << basis[static_cast<int>(i.basis)] << ' ' << i.name << ' ' << i.bytes.value << ": " << i.formula
                  << '\n';
    }
    std::cout << "blocks: vLLM " << real << ", planned " << p.blocks << '\n';
    RecordProperty("planned_blocks", std::to_string(p.blocks));
    EXPECT_NEAR(static_cast<double>(p.blocks), real, 0.02 * real);
}

// Pinning tells how far it is from what fits, and the fraction that would have given it.
TEST(PlanMemory, tells_the_fraction_that_gives_the_pinned_blocks) {
    const std::string pool = "max_context = 32768\nbatching = { max_batched_tokens = 2048, max_sequences = 256 }\n";
    const MemoryPlan pinned = plan("Llama-3.1-8B", "RTX-4090", pool + "kv = { num_blocks = 3000 }\n");
    EXPECT_EQ(pinned.blocks, 3000);
    EXPECT_LT(pinned.fitting_blocks, 3000);
    const auto fraction = pinned.fraction_for(3000);
    ASSERT_TRUE(fraction);
    const MemoryPlan found =
        plan("Llama-3.1-8B", "RTX-4090", pool + "kv = { memory_fraction = " + std::to_string(*fraction) + " }\n");
    EXPECT_EQ(found.blocks, 3000);
    EXPECT_FALSE(pinned.fraction_for(100'000)) << "more than the device has";
}

// The context and the graphs live beside the budget; what is left of that share is the margin.
TEST(PlanMemory, keeps_context_and_graphs_outside_the_budget) {
    const MemoryPlan p = plan("Llama-3.1-8B", "H100-SXM", "");
    ASSERT_EQ(p.outside.size(), 2U);
    EXPECT_EQ(p.outside[0].name, "CUDA context");
    // 51 sizes up to 512 piecewise and the 35 up to 256 as whole decode graphs, 32 layers.
    EXPECT_EQ(item_bytes(p.outside, "CUDA graphs"), Bytes((51 + 35) * 32 * (384LL << 10)));
    EXPECT_EQ(p.margin(), p.device - p.budget - p.outside[0].bytes - p.outside[1].bytes);
    const MemoryPlan eager = plan("Llama-3.1-8B", "H100-SXM", "runtime = { cuda_graphs = false }\n");
    EXPECT_EQ(eager.outside.size(), 1U);
    EXPECT_EQ(eager.blocks, p.blocks);
    const MemoryPlan tight = plan("Llama-3.1-8B", "H100-SXM", "kv = { memory_fraction = 0.995 }\n");
    EXPECT_LT(tight.margin(), Bytes(0));
}

// Three precisions: weights, KV cache and the wire do not touch each other.
TEST(PlanMemory, keeps_three_precisions_apart) {
    const std::string head = "name = 's'\nmodel = 'DeepSeek-V3'\ngpu = 'H200-SXM'\n";
    const std::string pool = "parallel = { tensor = 8 }\nkv = { dtype = 'bf16' }\n";
    const auto parsed = parse_scenario(head + "[[pool]]\nrole = 'prefill'\n" + pool + "[[pool]]\nrole = 'decode'\n" +
                                           pool + "[transfer]\ngigabits_per_s = 400\nlatency_us = 0\ndtype = 'fp8'\n",
                                       "t.toml");
    ASSERT_TRUE(parsed) << parsed.error().message;
    const auto plans = plan_memory(*parsed).value();
    EXPECT_EQ(plans[0].kv_bytes_per_token, Bytes(70'272));
    EXPECT_EQ(transfer_size(*parsed).per_token, Bytes(35'136));
    EXPECT_EQ(parsed->pools[0].weights, DataType::fp8);
}

// The host tier holds blocks of the same size.
TEST(PlanMemory, counts_blocks_of_the_host_tier) {
    const MemoryPlan p = plan("Llama-3.1-8B", "H100-SXM", "kv = { prefix_caching = true, host_gigabytes = 64 }\n");
    EXPECT_EQ(p.host_blocks, 64'000'000'000 / p.kv_bytes_per_block.value);
}

// Redundant experts, draft layers, DeepEP and FlashInfer all take memory that the plan shows.
TEST(PlanMemory, shows_what_runtime_settings_take) {
    const std::string wide = "parallel = { tensor = 1, data = 32, expert = 32";
    const MemoryPlan plain = plan("DeepSeek-V3", "H200-SXM", wide + " }\n");
    const MemoryPlan redundant = plan("DeepSeek-V3", "H200-SXM", wide + ", redundant_experts = 32 }\n");
    EXPECT_EQ(item(redundant, "weights: routed experts").value / 9, item(plain, "weights: routed experts").value / 8);
    const MemoryPlan draft = plan("DeepSeek-V3", "H200-SXM", wide + " }\nruntime = { draft_layers = 1 }\n");
    EXPECT_EQ(draft.kv_bytes_per_token, Bytes(62 * 576 * 2));
    EXPECT_GT(item(draft, "weights: MTP routed experts"), Bytes(0));
    const MemoryPlan latency =
        plan("DeepSeek-V3", "H200-SXM",
             wide + " }\nbatching = { max_sequences = 128 }\nruntime = { moe = 'deepep_low_latency' }\n");
    EXPECT_EQ(item(latency, "DeepEP low-latency buffer"), Bytes(1'908'410'496));
    const MemoryPlan normal = plan("DeepSeek-V3", "H200-SXM", wide + " }\nruntime = { moe = 'deepep_normal' }\n");
    EXPECT_GT(item(normal, "DeepEP RDMA buffer"), Bytes(0));
    const MemoryPlan flash = plan("Llama-3.1-8B", "H100-SXM", "runtime = { attention = 'flashinfer' }\n");
    // 512 captured rows of up to 256 requests: 16 tiles of 128 and one more for each other request, 573 MB.
    EXPECT_EQ(item(flash, "attention workspace"), Bytes((128LL << 20) + (1LL << 30)));
    const MemoryPlan each =
        plan("Llama-3.1-8B", "H100-SXM", "runtime = { attention = 'flashinfer', shared_workspace = false }\n");
    EXPECT_GT(item(each, "attention workspace"), item(flash, "attention workspace") * 10) << "51 captured sizes";
}

// FlashMLA's fp8 layout costs 80 bytes more per token and layer than the bare latent.
TEST(PlanMemory, knows_the_layout_of_flashmla) {
    const MemoryPlan p =
        plan("DeepSeek-V3", "H200-SXM", "parallel = { tensor = 8 }\nkv = { dtype = 'fp8', flashmla = true }\n");
    EXPECT_EQ(p.kv_bytes_per_token, Bytes(61 * 656));
}

}  // namespace
}  // namespace replayd
