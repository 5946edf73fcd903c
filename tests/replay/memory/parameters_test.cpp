#include <gtest/gtest.h>

#include <algorithm>

#include "replay/catalog/scenario_toml.hpp"
#include "replay/memory/kv_bytes.hpp"
#include "replay/memory/weights.hpp"

namespace replayd {
namespace {

ModelSpec model(const char* name) { return Catalog::built_in().model(name).value(); }

std::int64_t elements(const std::vector<WeightPart>& parts, std::string_view name) {
    const auto found = std::find_if(parts.begin(), parts.end(), [&](const WeightPart& p) { return p.name == name; });
    return found == parts.end() ? 0 : found->elements;
}

struct Total {
    const char* model;
    std::int64_t parameters;
};

// Totals to the parameter: the dense ones are the sums of the published checkpoints' tensor shapes.
TEST(ParameterCount, equals_the_checkpoints) {
    const Total totals[] = {
        {"Llama-3.1-8B", 8'030'261'248},       {"Llama-3-70B", 70'553'706'496},
        {"Qwen3-8B", 8'190'735'360},           {"Qwen3-32B", 32'762'123'264},
        {"Qwen3-30B-A3B", 30'532'122'624},     {"Qwen3-235B-A22B", 235'093'634'560},
        {"Qwen3-Next-80B-A3B", 79'674'391'296}, {"DeepSeek-V3", 671'026'419'200},
    };
    for (const Total& total : totals) EXPECT_EQ(parameter_count(model(total.model)), total.parameters) << total.model;
}

// Tensor ranks, pipeline stages and expert ranks together hold the model once, plus what is replicated by design.
TEST(WeightParts, shares_add_up_to_the_model) {
    const ModelSpec qwen = model("Qwen3-235B-A22B");
    const ParallelSpec parallel{.tensor = 4, .pipeline = 2, .data = 2, .expert = 8};
    std::int64_t attention = 0;
    std::int64_t experts = 0;
    for (std::int64_t s = 0; s < parallel.pipeline; ++s) {
        const auto parts = weight_parts(qwen, parallel, pipeline_stage(qwen, parallel.pipeline, s));
        attention += elements(parts, "attention");
        experts += elements(parts, "routed experts");
    }
    EXPECT_EQ(attention * parallel.tensor, 94 * 71'303'168LL);
    EXPECT_EQ(experts * parallel.expert, 94 * 128 * 18'874'368LL);
}

// Fewer key-value heads than ranks: each rank holds one head, so the heads are replicated.
TEST(WeightParts, replicates_key_value_heads_beyond_their_count) {
    const ModelSpec qwen = model("Qwen3-30B-A3B");
    const auto parts = weight_parts(qwen, ParallelSpec{.tensor = 8}, pipeline_stage(qwen, 1, 0));
    EXPECT_EQ(elements(parts, "attention"), 48 * 2048 * (512 + 2 * 128 + 512));
}

// MLA: the down-projections are on every rank in full, the rest is divided.
TEST(WeightParts, replicates_the_down_projections_of_mla) {
    const ModelSpec deepseek = model("DeepSeek-V3");
    const auto parts = weight_parts(deepseek, ParallelSpec{.tensor = 8}, pipeline_stage(deepseek, 1, 0));
    EXPECT_EQ(elements(parts, "attention"), 61 * (15'138'816LL + 171'966'464LL / 8));
    EXPECT_EQ(elements(parts, "router"), 58 * 1'835'264LL);
}

// One rank of four holds as many expert weights whether experts are cut in four or spread over four.
TEST(WeightParts, without_expert_parallelism_each_expert_is_cut) {
    const ModelSpec qwen = model("Qwen3-30B-A3B");
    const auto cut = weight_parts(qwen, ParallelSpec{.tensor = 4}, pipeline_stage(qwen, 1, 0));
    const auto spread = weight_parts(qwen, ParallelSpec{.tensor = 4, .expert = 4}, pipeline_stage(qwen, 1, 0));
    EXPECT_EQ(elements(cut, "routed experts"), elements(spread, "routed experts"));
    EXPECT_EQ(elements(cut, "routed experts"), 48 * 128 * 3 * 2048LL * 768 / 4);
}

// The head of a tied model costs a copy only where the embedding is on another stage.
TEST(WeightParts, copies_a_tied_head_to_the_last_stage) {
    ModelSpec tied = model("Llama-3.1-8B");
    tied.tied_embeddings = true;
    EXPECT_EQ(elements(weight_parts(tied, {}, pipeline_stage(tied, 1, 0)), "LM head"), 0);
    const ParallelSpec two{.pipeline = 2};
    EXPECT_EQ(elements(weight_parts(tied, two, pipeline_stage(tied, 2, 0)), "LM head"), 0);
    EXPECT_EQ(elements(weight_parts(tied, two, pipeline_stage(tied, 2, 1)), "LM head"), 128'256 * 4096LL);
}

// 128 × 128 fp8 weights carry one 4-byte scale; int4 groups of 128 carry 20 bits.
TEST(WeightBytes, counts_scales) {
    EXPECT_EQ(weight_bytes(16'384, DataType::bf16), Bytes(32'768));
    EXPECT_EQ(weight_bytes(16'384, DataType::fp8), Bytes(16'388));
    EXPECT_EQ(weight_bytes(16'385, DataType::fp8), Bytes(16'393));
    EXPECT_EQ(weight_bytes(16'384, DataType::int8), Bytes(16'384));
    EXPECT_EQ(weight_bytes(16'384, DataType::int4), Bytes(8'192 + 128 * 20 / 8));
}

struct KvCase {
    const char* model;
    DataType dtype;
    std::int64_t tensor;
    std::int64_t bytes;
};

// KV per token and GPU for each attention kind: GQA divides until one head is left, MLA never does, a hybrid
// counts its full-attention layers.
TEST(KvBytesPerToken, follows_the_attention_kind) {
    const KvCase cases[] = {
        {"Llama-3.1-8B", DataType::bf16, 1, 131'072},      {"Llama-3.1-8B", DataType::bf16, 2, 65'536},
        {"Llama-3-70B", DataType::bf16, 8, 40'960},        {"Qwen3-8B", DataType::bf16, 1, 147'456},
        {"Qwen3-8B", DataType::fp8, 1, 73'728},            {"Qwen3-30B-A3B", DataType::bf16, 1, 98'304},
        {"Qwen3-30B-A3B", DataType::bf16, 4, 24'576},      {"Qwen3-30B-A3B", DataType::bf16, 8, 24'576},
        {"Qwen3-235B-A22B", DataType::fp8, 1, 96'256},     {"Qwen3-Next-80B-A3B", DataType::bf16, 1, 24'576},
        {"Qwen3-Next-80B-A3B", DataType::bf16, 4, 12'288}, {"DeepSeek-V3", DataType::bf16, 1, 70'272},
        {"DeepSeek-V3", DataType::bf16, 8, 70'272},        {"DeepSeek-V3", DataType::fp8, 8, 35'136},
    };
    for (const KvCase& c : cases) {
        const ModelSpec m = model(c.model);
        EXPECT_EQ(kv_bytes_per_token(m, m.full_attention_layers(), c.tensor, c.dtype), Bytes(c.bytes)) << c.model;
    }
}

// The fixed state: 36 layers × 32 heads × 128 × 128 in fp32, and three inputs of 8,192 channels in 16 bit.
TEST(StateBytesPerRequest, is_the_recurrent_matrix_and_the_convolution) {
    const ModelSpec next = model("Qwen3-Next-80B-A3B");
    EXPECT_EQ(state_bytes_per_request(next, 36, 1), Bytes(75'497'472 + 1'769'472));
    EXPECT_EQ(state_bytes_per_request(next, 36, 4), Bytes((75'497'472 + 1'769'472) / 4));
    EXPECT_EQ(state_bytes_per_request(model("Qwen3-8B"), 0, 1), Bytes(0));
}

}  // namespace
}  // namespace replayd
