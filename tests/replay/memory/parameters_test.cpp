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
        {"Step-3", 316'294'538'240},
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

WeightPart part(std::int64_t out, std::int64_t in) {
    return {"w", out * in, ceil_div(out, 128) * ceil_div(in, 128), out, true, ""};
}

// 128 × 128 fp8 weights carry one 4-byte scale, int8 channels one each, int4 groups of 128 carry 20 bits.
TEST(WeightBytes, counts_scales) {
    EXPECT_EQ(weight_bytes(part(128, 128), DataType::bf16), Bytes(32'768));
    EXPECT_EQ(weight_bytes(part(128, 128), DataType::fp8), Bytes(16'388));
    EXPECT_EQ(weight_bytes(part(129, 128), DataType::fp8), Bytes(129 * 128 + 8));
    EXPECT_EQ(weight_bytes(part(128, 128), DataType::int8), Bytes(16'384 + 128 * 4));
    EXPECT_EQ(weight_bytes(part(128, 128), DataType::int4), Bytes(8'192 + 128 * 20 / 8));
    WeightPart norm = part(1, 128);
    norm.quantized = false;
    EXPECT_EQ(weight_bytes(norm, DataType::int4), Bytes(256)) << "norms stay in 16 bit";
}

// kv_a of DeepSeek has 576 rows, so its last row of scale blocks is half used.
TEST(WeightBytes, rounds_scale_blocks_up_in_each_matrix) {
    const ModelSpec deepseek = model("DeepSeek-V3");
    const auto parts = weight_parts(deepseek, {}, pipeline_stage(deepseek, 1, 0));
    const std::int64_t q_a = 12 * 56, kv_a = 5 * 56, q_b = 192 * 12, kv_b = 256 * 4, out = 56 * 128;
    EXPECT_EQ(
        std::find_if(parts.begin(), parts.end(), [](const WeightPart& p) { return p.name == "attention"; })->blocks,
        61 * (q_a + kv_a + q_b + kv_b + out));
}

struct ActiveCase {
    const char* model;
    std::int64_t parameters;
};

// What one token is multiplied with. DeepSeek's published 37 B add the embedding (0.93 B), Step-3's 38 B do not.
TEST(ActiveParameters, count_the_chosen_experts) {
    const ActiveCase cases[] = {
        {"DeepSeek-V3", 36'626'024'448}, {"Step-3", 37'910'000'000}, {"Llama-3.1-8B", 7'504'924'672}};
    EXPECT_EQ(active_parameter_count(model("Llama-3.1-8B")), 8'030'261'248 - 128'256LL * 4096);
    for (const ActiveCase& c : cases) {
        EXPECT_NEAR(static_cast<double>(active_parameter_count(model(c.model))), static_cast<double>(c.parameters), 1e7)
            << c.model;
    }
    const std::int64_t embedding = 129'280LL * 7168;
    EXPECT_NEAR(static_cast<double>(active_parameter_count(model("DeepSeek-V3")) + embedding) / 1e9, 37.55, 0.01);
}

// DeepSeek's extra layer: a layer with experts, the projection of 2 × hidden and three norms; embedding and head
// shared.
TEST(MtpParameters, are_one_more_layer) {
    const ModelSpec deepseek = model("DeepSeek-V3");
    const std::int64_t layer = 187'107'328 + 2 * 7168 + 1'835'264 + 257 * 44'040'192LL;
    EXPECT_EQ(mtp_parameter_count(deepseek), layer + 2 * 7168LL * 7168 + 3 * 7168);
    EXPECT_EQ(mtp_parameter_count(model("Llama-3.1-8B")), 0);
    const ParallelSpec two{.pipeline = 2};
    const auto last = mtp_parts(deepseek, two, pipeline_stage(deepseek, 2, 1), 1);
    EXPECT_EQ(elements(last, "MTP embedding"), 129'280LL * 7168) << "the last of two stages needs its own copy";
    EXPECT_TRUE(mtp_parts(deepseek, two, pipeline_stage(deepseek, 2, 0), 1).empty());
}

// Step-3's table of the AFD specification: attention 169.345 M a layer, experts 5.395 B, dense 0.396 B.
TEST(WeightParts, of_step_3) {
    const ModelSpec step = model("Step-3");
    const auto parts = weight_parts(step, {}, pipeline_stage(step, 1, 0));
    EXPECT_EQ(elements(parts, "attention"), 61 * 169'345'024LL);
    EXPECT_EQ(elements(parts, "routed experts") + elements(parts, "shared experts"), 56 * 49 * 110'100'480LL);
    EXPECT_EQ(elements(parts, "dense FFN"), 5 * 396'361'728LL);
    EXPECT_EQ(elements(parts, "router"), 56 * 344'064LL);
    EXPECT_EQ(elements(parts, "embedding") + elements(parts, "LM head"), 2 * 128'815LL * 7168);
    // Low-rank query and the one key-value head are on every rank; the query heads and the output divide.
    const auto eighth = weight_parts(step, ParallelSpec{.tensor = 8}, pipeline_stage(step, 1, 0));
    EXPECT_EQ(elements(eighth, "attention"), 61 * (7168 * 2048LL + 2 * 256 * 7168 + (2048 + 7168) * 16384LL / 8));
    // The last stage of two holds the dense layer at the end, the first the four at the beginning.
    EXPECT_EQ(pipeline_stage(step, 2, 0).dense, 4);
    EXPECT_EQ(pipeline_stage(step, 2, 1).dense, 1);
}

// 256 experts and 32 copies over 32 ranks are 9 each (DeepSeek's prefill units), over 144 two each (decode).
TEST(WeightParts, spread_redundant_experts) {
    const ModelSpec deepseek = model("DeepSeek-V3");
    const auto routed = [&](std::int64_t ranks) {
        const ParallelSpec parallel{.data = ranks, .expert = ranks, .redundant_experts = 32};
        return elements(weight_parts(deepseek, parallel, pipeline_stage(deepseek, 1, 0)), "routed experts");
    };
    EXPECT_EQ(routed(32), 58 * 9 * 44'040'192LL);
    EXPECT_EQ(routed(144), 58 * 2 * 44'040'192LL);
}

// Uneven stages hold every layer once, and embedding and head only at the ends.
TEST(WeightParts, of_uneven_stages_add_up) {
    for (const char* name : {"DeepSeek-V3", "Step-3", "Qwen3-Next-80B-A3B", "Llama-3-70B"}) {
        const ModelSpec m = model(name);
        for (const std::int64_t stages : {2, 3, 4, 7}) {
            std::int64_t sum = 0;
            for (std::int64_t s = 0; s < stages; ++s) {
                for (const WeightPart& p : weight_parts(m, {.pipeline = stages}, pipeline_stage(m, stages, s))) {
                    sum += p.elements;
                }
            }
            EXPECT_EQ(sum, parameter_count(m)) << name << ' ' << stages;
        }
    }
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
        EXPECT_EQ(kv_bytes_per_token(m, m.full_attention_layers(), c.tensor, {c.dtype, false}), Bytes(c.bytes))
            << c.model;
    }
}

// Layers with a window do not grow: they hold a full window and the block where it begins.
TEST(WindowBytes, are_fixed_beside_growing_layers) {
    ModelSpec m = model("Llama-3.1-8B");
    m.attention.sliding_window = 1024;
    m.attention.global_interval = 4;
    const PipelineStage stage = pipeline_stage(m, 1, 0);
    EXPECT_EQ(stage.windowed, 24);
    EXPECT_EQ(growing_layers(m, stage), 8);
    EXPECT_EQ(window_bytes_per_request(m, stage, 1, KvSpec{}), Bytes(24 * 4096LL * (1024 + 16)));
    m.attention.global_interval = 0;
    EXPECT_EQ(growing_layers(m, pipeline_stage(m, 1, 0)), 32) << "all grow until the window is full";
    EXPECT_EQ(window_bytes_per_request(m, pipeline_stage(m, 1, 0), 1, KvSpec{}), Bytes(0));
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
