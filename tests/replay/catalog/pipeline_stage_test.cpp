#include "replay/catalog/pipeline_stage.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "replay/catalog/scenario_toml.hpp"

namespace replayd {
namespace {

ModelSpec model(const char* name) { return Catalog::built_in().model(name).value(); }

std::vector<std::int64_t> layers(const ModelSpec& spec, std::int64_t stages) {
    std::vector<std::int64_t> out;
    for (std::int64_t s = 0; s < stages; ++s) out.push_back(pipeline_stage(spec, stages, s).layers);
    return out;
}

// Left-over layers go to the stages before the last, as vLLM's get_pp_indices has it.
TEST(PipelineStage, spreads_left_over_layers_as_vllm) {
    const ModelSpec deepseek = model("DeepSeek-V3");
    EXPECT_EQ(layers(deepseek, 1), (std::vector<std::int64_t>{61}));
    EXPECT_EQ(layers(deepseek, 2), (std::vector<std::int64_t>{31, 30}));
    EXPECT_EQ(layers(deepseek, 4), (std::vector<std::int64_t>{15, 15, 16, 15}));
    EXPECT_EQ(layers(deepseek, 3), (std::vector<std::int64_t>{20, 21, 20}));
    EXPECT_EQ(layers(model("Llama-3-70B"), 4), (std::vector<std::int64_t>{20, 20, 20, 20}));
}

// Over all stage counts of every model, the stages hold each layer of each kind once.
TEST(PipelineStage, stages_partition_the_model) {
    for (const std::string& name : Catalog::built_in().model_names()) {
        const ModelSpec spec = model(name.c_str());
        for (std::int64_t stages = 1; stages <= spec.layers; ++stages) {
            PipelineStage sum;
            for (std::int64_t s = 0; s < stages; ++s) {
                const PipelineStage stage = pipeline_stage(spec, stages, s);
                EXPECT_EQ(stage.first, sum.layers) << name;
                EXPECT_EQ(stage.layers, stage.full_attention + stage.linear_attention);
                EXPECT_EQ(stage.layers, stage.moe + stage.dense);
                EXPECT_EQ(stage.holds_embedding, s == 0);
                EXPECT_EQ(stage.holds_head, s == stages - 1);
                sum.layers += stage.layers;
                sum.full_attention += stage.full_attention;
                sum.moe += stage.moe;
            }
            ASSERT_EQ(sum.layers, spec.layers) << name << ' ' << stages;
            ASSERT_EQ(sum.full_attention, spec.full_attention_layers()) << name << ' ' << stages;
            ASSERT_EQ(sum.moe, spec.moe_layers()) << name << ' ' << stages;
        }
    }
}

// DeepSeek's three dense layers are the first three; Qwen3-Next's full attention is every fourth layer.
TEST(PipelineStage, knows_which_layers_it_holds) {
    const PipelineStage head = pipeline_stage(model("DeepSeek-V3"), 2, 0);
    EXPECT_EQ(head.dense, 3);
    EXPECT_EQ(head.moe, 28);
    EXPECT_EQ(pipeline_stage(model("DeepSeek-V3"), 2, 1).dense, 0);
    const PipelineStage part = pipeline_stage(model("Qwen3-Next-80B-A3B"), 16, 0);
    EXPECT_EQ(part.layers, 3);
    EXPECT_EQ(part.full_attention, 0);
    EXPECT_EQ(part.linear_attention, 3);
}

}  // namespace
}  // namespace replayd
