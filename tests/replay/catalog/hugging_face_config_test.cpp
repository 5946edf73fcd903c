// Models read from the text of a config.json: shapes as the public files state them, both spellings of renamed keys,
// and the messages for what cannot be read.

#include "replay/catalog/hugging_face_config.hpp"

#include <gtest/gtest.h>

#include "replay/catalog/json_tree.hpp"
#include "replay/catalog/scenario_toml.hpp"
#include "replay/memory/weights.hpp"

namespace replayd {
namespace {

constexpr const char* k_llama = R"({
  "architectures": ["LlamaForCausalLM"], "model_type": "llama", "attention_bias": false, "hidden_size": 4096,
  "intermediate_size": 14336, "max_position_embeddings": 131072, "mlp_bias": false, "num_attention_heads": 32,
  "num_hidden_layers": 32, "num_key_value_heads": 8, "rope_scaling": {"factor": 8.0, "rope_type": "llama3"},
  "rms_norm_eps": 1e-05, "sliding_window": null, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
  "vocab_size": 128256
})";

constexpr const char* k_deepseek = R"({
  "model_type": "deepseek_v3", "first_k_dense_replace": 3, "hidden_size": 7168, "intermediate_size": 18432,
  "kv_lora_rank": 512, "max_position_embeddings": 163840, "moe_intermediate_size": 2048, "moe_layer_freq": 1,
  "n_group": 8, "n_routed_experts": 256, "n_shared_experts": 1, "num_attention_heads": 128, "num_experts_per_tok": 8,
  "num_hidden_layers": 61, "num_key_value_heads": 128, "num_nextn_predict_layers": 1, "q_lora_rank": 1536,
  "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "topk_method": "noaux_tc", "tie_word_embeddings": false,
  "quantization_config": {"activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8",
                          "weight_block_size": [128, 128]},
  "v_head_dim": 128, "vocab_size": 129280
})";

constexpr const char* k_qwen3_moe = R"({
  "model_type": "qwen3_moe", "attention_bias": false, "decoder_sparse_step": 1, "head_dim": 128, "hidden_size": 4096,
  "intermediate_size": 12288, "max_position_embeddings": 40960, "mlp_only_layers": [], "moe_intermediate_size": 1536,
  "num_attention_heads": 64, "num_experts": 128, "num_experts_per_tok": 8, "num_hidden_layers": 94,
  "num_key_value_heads": 4, "sliding_window": null, "use_sliding_window": false, "vocab_size": 151936
})";

constexpr const char* k_qwen3_next = R"({
  "model_type": "qwen3_next", "decoder_sparse_step": 1, "full_attention_interval": 4, "head_dim": 256,
  "hidden_size": 2048, "intermediate_size": 5120, "linear_conv_kernel_dim": 4, "linear_key_head_dim": 128,
  "linear_num_key_heads": 16, "linear_num_value_heads": 32, "linear_value_head_dim": 128,
  "max_position_embeddings": 262144, "moe_intermediate_size": 512, "num_attention_heads": 16, "num_experts": 512,
  "num_experts_per_tok": 10, "num_hidden_layers": 48, "num_key_value_heads": 2,
  "shared_expert_intermediate_size": 512, "vocab_size": 151936
})";

constexpr const char* k_step3 = R"({"model_type": "step3_vl", "vision_config": {"width": 1792}, "text_config": {
  "model_type": "step3_text", "hidden_size": 7168, "intermediate_size": 18432, "num_attention_heads": 64,
  "num_attention_groups": 1, "num_hidden_layers": 61, "max_position_embedding": 65536, "vocab_size": 128815,
  "head_dim": 256, "share_q_dim": 2048, "moe_num_experts": 48, "moe_top_k": 3, "moe_intermediate_size": 5120,
  "share_expert_dim": 5120,
  "moe_layers_enum": "4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,)"
    R"(33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59"
}})";

ModelSpec parsed(const std::string& json) {
    const auto model = parse_hugging_face_config(json, "config.json");
    EXPECT_TRUE(model) << model.error().message;
    return model.value_or(ModelSpec{});
}

void expect_same_shape(const ModelSpec& got, const char* name) {
    SCOPED_TRACE(name);
    const ModelSpec want = Catalog::built_in().model(name).value();
    EXPECT_EQ(got.layers, want.layers);
    EXPECT_EQ(got.hidden, want.hidden);
    EXPECT_EQ(got.vocab, want.vocab);
    EXPECT_EQ(got.ffn, want.ffn);
    EXPECT_EQ(got.max_context, want.max_context);
    EXPECT_EQ(got.mtp_layers, want.mtp_layers);
    EXPECT_EQ(got.weights, want.weights);
    EXPECT_EQ(got.attention.kind, want.attention.kind);
    EXPECT_EQ(got.attention.q_heads, want.attention.q_heads);
    EXPECT_EQ(got.attention.kv_heads, want.attention.kv_heads);
    EXPECT_EQ(got.attention.head_dim, want.attention.head_dim);
    EXPECT_EQ(got.attention.q_lora_rank, want.attention.q_lora_rank);
    EXPECT_EQ(got.attention.kv_lora_rank, want.attention.kv_lora_rank);
    EXPECT_EQ(got.attention.qk_norm, want.attention.qk_norm);
    EXPECT_EQ(got.attention.qkv_bias, want.attention.qkv_bias);
    EXPECT_EQ(got.attention.gated_query, want.attention.gated_query);
    EXPECT_EQ(got.linear_attention.has_value(), want.linear_attention.has_value());
    ASSERT_EQ(got.moe.has_value(), want.moe.has_value());
    if (!want.moe) return;
    EXPECT_EQ(got.moe->experts, want.moe->experts);
    EXPECT_EQ(got.moe->top_k, want.moe->top_k);
    EXPECT_EQ(got.moe->ffn, want.moe->ffn);
    EXPECT_EQ(got.moe->shared_experts, want.moe->shared_experts);
    EXPECT_EQ(got.moe->shared_ffn, want.moe->shared_ffn);
    EXPECT_EQ(got.moe->shared_gate, want.moe->shared_gate);
    EXPECT_EQ(got.moe->router_bias, want.moe->router_bias);
    EXPECT_EQ(got.moe->first_dense_layers, want.moe->first_dense_layers);
    EXPECT_EQ(got.moe->last_dense_layers, want.moe->last_dense_layers);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

// Each family's public file gives the model that the catalog has.
TEST(HuggingFaceConfig, gives_the_models_of_the_catalog) {
    expect_same_shape(parsed(k_llama), "Llama-3.1-8B");
    expect_same_shape(parsed(k_deepseek), "DeepSeek-V3");
    expect_same_shape(parsed(k_qwen3_moe), "Qwen3-235B-A22B");
    expect_same_shape(parsed(k_qwen3_next), "Qwen3-Next-80B-A3B");
    expect_same_shape(parsed(k_step3), "Step-3");
}

// DeepSeek's files of different dates name the same counts differently.
TEST(HuggingFaceConfig, knows_both_spellings) {
    const std::string renamed =
        replaced(replaced(k_deepseek, "n_routed_experts", "num_experts"), "n_shared_experts", "num_shared_experts");
    expect_same_shape(parsed(renamed), "DeepSeek-V3");
}

// Families differ in what they leave unsaid: Qwen2 has biases, Mistral uses its window, Mixtral's dense width is the
// experts', and tied embeddings are one table.
TEST(HuggingFaceConfig, knows_what_families_leave_unsaid) {
    const ModelSpec qwen2 = parsed(replaced(k_llama, "\"llama\"", "\"qwen2\""));
    EXPECT_TRUE(qwen2.attention.qkv_bias);
    EXPECT_FALSE(qwen2.attention.output_bias);
    const ModelSpec biased = parsed(replaced(k_llama, "\"attention_bias\": false", "\"attention_bias\": true"));
    EXPECT_TRUE(biased.attention.output_bias);
    const std::string windowed = replaced(k_llama, "\"sliding_window\": null", "\"sliding_window\": 4096");
    EXPECT_EQ(parsed(windowed).attention.sliding_window, 0);
    EXPECT_EQ(parsed(replaced(windowed, "\"llama\"", "\"mistral\"")).attention.sliding_window, 4096);
    const ModelSpec mixtral = parsed(replaced(replaced(k_llama, "\"llama\"", "\"mixtral\""), "\"vocab_size\"",
                                              "\"num_local_experts\": 8, \"num_experts_per_tok\": 2, \"vocab_size\""));
    EXPECT_EQ(mixtral.moe->ffn, 14336);
    EXPECT_EQ(mixtral.ffn, 0) << "no layer is dense";
    EXPECT_TRUE(
        parsed(replaced(k_llama, "\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true")).tied_embeddings);
    const std::string awq = replaced(
        k_llama, "\"vocab_size\"", "\"quantization_config\": {\"quant_method\": \"awq\", \"bits\": 4}, \"vocab_size\"");
    EXPECT_EQ(parsed(awq).weights, DataType::int4);
}

struct Family {
    const char* json;
    std::int64_t parameters;  ///< of the checkpoint, from its index of tensors
    std::int64_t window;
    std::int64_t global_interval;
};

// Other families by their public files: the total of the checkpoint (text part), windows, and layers without one.
TEST(HuggingFaceConfig, reads_other_families) {
    const Family families[] = {
        {R"({"model_type": "phi3", "hidden_size": 3072, "intermediate_size": 8192, "max_position_embeddings": 4096,
             "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32, "sliding_window": 2047,
             "tie_word_embeddings": false, "vocab_size": 32064})", 3'821'079'552, 2047, 0},
        {R"({"model_type": "gemma2", "head_dim": 256, "hidden_size": 3584, "intermediate_size": 14336,
             "max_position_embeddings": 8192, "num_attention_heads": 16, "num_hidden_layers": 42,
             "num_key_value_heads": 8, "sliding_window": 4096, "vocab_size": 256000})", 9'241'705'984, 4096, 2},
        {R"({"model_type": "gemma3_text", "head_dim": 256, "hidden_size": 1152, "intermediate_size": 6912,
             "max_position_embeddings": 32768, "num_attention_heads": 4, "num_hidden_layers": 26,
             "num_key_value_heads": 1, "sliding_window": 512, "sliding_window_pattern": 6, "vocab_size": 262144})",
         999'885'952, 512, 6},
        {R"({"model_type": "qwen2_moe", "decoder_sparse_step": 1, "hidden_size": 2048, "intermediate_size": 5632,
             "max_position_embeddings": 8192, "moe_intermediate_size": 1408, "num_attention_heads": 16,
             "num_experts": 60, "num_experts_per_tok": 4, "num_hidden_layers": 24, "num_key_value_heads": 16,
             "shared_expert_intermediate_size": 5632, "sliding_window": 32768, "use_sliding_window": false,
             "vocab_size": 151936})", 14'315'784'192, 0, 0},
    };
    for (const Family& f : families) {
        SCOPED_TRACE(f.json);
        const ModelSpec model = parsed(f.json);
        EXPECT_EQ(parameter_count(model), f.parameters);
        EXPECT_EQ(model.attention.sliding_window, f.window);
        EXPECT_EQ(model.attention.global_interval, f.global_interval);
    }
}

// A list of layer types says which layers look back further; only a fixed distance is understood.
TEST(HuggingFaceConfig, reads_layer_types) {
    const std::string four = replaced(replaced(replaced(k_llama, "\"llama\"", "\"mistral\""),
                                               "\"num_hidden_layers\": 32", "\"num_hidden_layers\": 4"),
                                      "\"sliding_window\": null", "\"sliding_window\": 128, \"layer_types\": [LIST]");
    const std::string s = "\"sliding_attention\"";
    const std::string f = "\"full_attention\"";
    EXPECT_EQ(parsed(replaced(four, "LIST", s + ',' + f + ',' + s + ',' + f)).attention.global_interval, 2);
    EXPECT_EQ(parsed(replaced(four, "LIST", s + ',' + s + ',' + s + ',' + s)).attention.global_interval, 0);
    for (const std::string& list : {f + ',' + s + ',' + f + ',' + s, s + ',' + f}) {
        const auto refused = parse_hugging_face_config(replaced(four, "LIST", list), "config.json");
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().message,
                  "config.json:5: layer_types = an array: expected num_hidden_layers = 4 entries with "
                  "\"full_attention\" at a fixed distance, the first ones \"sliding_attention\"");
    }
}

struct BadConfig {
    std::string json;
    std::string message;
};

// Wrong files and the exact message of each.
TEST(HuggingFaceConfig, refuses_with_the_key_and_the_line) {
    const BadConfig cases[] = {
        {"", "config.json:1: not valid JSON: expected an object in braces"},
        {"[1]", "config.json:1: not valid JSON: expected an object in braces"},
        {"{\"a\": 1", "config.json:1: not valid JSON: expected a comma or a brace"},
        {"{\"a\": 1,}", "config.json:1: not valid JSON: expected a key in double quotes"},
        {"{\"a\": [1,]}", "config.json:1: not valid JSON: expected a value"},
        {"{\"a\" 1}", "config.json:1: not valid JSON: expected a colon after the key"},
        {"{\n\"a\": tru}", "config.json:2: not valid JSON: expected true, false or null"},
        {"{\"a\": 1.2.3}", "config.json:1: not valid JSON: expected a value"},
        {"{\"a\": \"x\n\"}", "config.json:1: not valid JSON: expected a closing quote on the same line"},
        {"{\"a\": \"\\q\"}", "config.json:1: not valid JSON: expected an escape that JSON knows"},
        {"{\"a\": 1, \"a\": 2}", "config.json:1: not valid JSON: expected the key \"a\" once"},
        {"{\"a\": 1} x", "config.json:1: not valid JSON: expected the end of the text"},
        {"{\"a\": " + std::string(70, '[') + "1",
         "config.json:1: not valid JSON: expected at most 64 levels of nesting"},
        {"{}",
         "config.json:1: model_type is missing: expected llama, mistral, mixtral, phi3, gemma2, gemma3_text, glm4_moe, "
         "qwen2, qwen2_moe, qwen3, qwen3_moe, qwen3_next, deepseek_v2, deepseek_v3, kimi_k2, step3_text or step3"},
        {replaced(k_llama, "\"llama\"", "\"lama\""),
         "config.json:2: model_type = \"lama\": expected llama, mistral, mixtral, phi3, gemma2, gemma3_text, glm4_moe, "
         "qwen2, qwen2_moe, qwen3, qwen3_moe, qwen3_next, deepseek_v2, deepseek_v3, kimi_k2, step3_text or step3; did "
         "you mean \"llama\"?"},
        {replaced(k_llama, "\"hidden_size\": 4096,", ""),
         "config.json:1: hidden_size is missing: expected an integer from 1 to 262144"},
        {replaced(k_llama, "\"num_hidden_layers\": 32", "\"num_hidden_layers\": \"32\""),
         "config.json:4: num_hidden_layers = \"32\": expected an integer from 1 to 1000"},
        {replaced(k_llama, "\"num_key_value_heads\": 8", "\"num_key_value_heads\": 5"),
         "config.json:4: num_key_value_heads = 5: expected a divisor of num_attention_heads = 32"},
        {replaced(k_llama, "\"mlp_bias\": false", "\"mlp_bias\": true"),
         "config.json:3: mlp_bias = true: expected false: its parameters are not counted"},
        {replaced(k_qwen3_moe, "\"decoder_sparse_step\": 1", "\"decoder_sparse_step\": 2"),
         "config.json:2: decoder_sparse_step = 2: expected 1: experts in every layer after the first dense ones"},
        {replaced(k_qwen3_moe, "\"num_experts\": 128, ", ""),
         "config.json:1: num_experts is missing: expected an integer from 2 to 4096"},
        {replaced(k_deepseek, "\"quant_method\": \"fp8\"", "\"quant_method\": \"nvfp4\""),
         "config.json:7: quantization_config.quant_method = \"nvfp4\": expected fp8, awq or gptq"},
        {replaced(k_step3, "4,5,6,", "4,6,"),
         "config.json:6: text_config.moe_layers_enum = "
         "\"4,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,"
         "30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59\": expected layers "
         "one after another, such as \"4,5,6\""},
    };
    for (const BadConfig& c : cases) {
        const auto model = parse_hugging_face_config(c.json, "config.json");
        if (model) {
            ADD_FAILURE() << "accepted: " << c.json;
            continue;
        }
        EXPECT_EQ(model.error().code, Code::invalid_argument);
        EXPECT_EQ(model.error().message, c.message);
    }
}

// A scenario names the file; the caller reads it.
TEST(ModelConfig, is_read_through_the_callers_loader) {
    const std::string toml =
        "name = 's'\nmodel_config = 'models/new.json'\ngpu = 'H100-SXM'\n[[pool]]\nrole = 'mixed'\n";
    std::string asked;
    ParseOptions options;
    options.model_config = [&](std::string_view path) -> Result<std::string> {
        asked = path;
        return std::string(k_llama);
    };
    const auto scenario = parse_scenario(toml, "s.toml", options);
    ASSERT_TRUE(scenario) << scenario.error().message;
    EXPECT_EQ(asked, "models/new.json");
    EXPECT_EQ(scenario->model.name, "models/new.json");
    EXPECT_EQ(scenario->model.layers, 32);
}

// Without a loader, with a file that cannot be had, with a wrong one, or beside `model`, the message names the key.
TEST(ModelConfig, is_refused_with_its_key) {
    const std::string toml = "name = 's'\nmodel_config = 'new.json'\ngpu = 'H100-SXM'\n[[pool]]\nrole = 'mixed'\n";
    const auto message = [&](const ModelConfigLoader& loader, const std::string& text) {
        ParseOptions options;
        options.model_config = loader;
        const auto scenario = parse_scenario(text, "s.toml", options);
        return scenario ? std::string("accepted") : scenario.error().message;
    };
    EXPECT_EQ(message({}, toml), "s.toml:2: model_config = \"new.json\": no file can be read here; put the model into "
                                 "[models.NAME] of this text");
    EXPECT_EQ(
        message([](std::string_view) -> Result<std::string> { return fail(Code::io, "new.json: no such file"); }, toml),
        "s.toml:2: model_config = \"new.json\": new.json: no such file");
    EXPECT_EQ(message([](std::string_view) -> Result<std::string> { return std::string("{"); }, toml),
              "s.toml:2: model_config = \"new.json\": new.json:1: not valid JSON: expected a key in double quotes");
    const auto llama = [](std::string_view) -> Result<std::string> { return std::string(k_llama); };
    EXPECT_EQ(message(llama, "model = 'Qwen3-8B'\n" + toml),
              "s.toml:3: model_config = \"new.json\": expected either model or model_config, not both");
}

}  // namespace
}  // namespace replayd
