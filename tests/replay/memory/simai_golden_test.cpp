// Memory figures that SimAI 1.6 publishes: those that are right are derived here, and for each defect (D9, D11 to D15,
// D28 of the specification) ours is asserted and the difference is named.

#include <gtest/gtest.h>

#include <cmath>
#include <iostream>

#include "replay/memory/concurrency.hpp"
#include "replay/memory/kv_bytes.hpp"
#include "replay/memory/weights.hpp"
#include "tests/replay/memory/fixture.hpp"
#include "tests/replay/simai_models.hpp"

namespace replayd {
namespace {

using test::simai_dense_model;

const char* catalog_name(const std::string& simai) {
    if (simai.starts_with("deepseek")) return "DeepSeek-V3";
    if (simai.starts_with("qwen3-moe")) return "Qwen3-235B-A22B";
    if (simai.starts_with("qwen3-next")) return "Qwen3-Next-80B-A3B";
    return nullptr;
}

/// SimAI's map of the wire's type; what it does not know is two bytes, silently (D11).
DataType wire_type(const std::string& name) {
    if (name == "fp8") return DataType::fp8;
    if (name == "int8") return DataType::int8;
    return name == "float32" ? DataType::fp32 : DataType::bf16;
}

bool failed(const TomlNode& row) { return row.find("expected") == nullptr; }

std::int64_t elements(const std::vector<WeightPart>& parts, std::string_view name) {
    std::int64_t sum = 0;
    for (const WeightPart& part : parts) sum += part.name == name ? part.elements : 0;
    return sum;
}

// Dense layers: every published count of a layer and of a device follows from our shares. What it leaves out, and ours
// counts, are embedding, head and norms (stated by the spec, section 3.1).
TEST(SimAiParameters, of_dense_layers_are_right) {
    const auto rows = shared_rows("golden_simai/param_per_device_dense.json");
    if (!rows) GTEST_SKIP() << "no golden file";
    int checked = 0;
    for (const TomlNode& row : rows->children) {
        const TomlNode& in = at(row, "input");
        const auto model = simai_dense_model(at(in, "model").text);
        ASSERT_TRUE(model) << at(in, "model").text;
        if (failed(row)) continue;
        const std::int64_t stages = integer_at(in, "pp");
        const PipelineStage stage = pipeline_stage(*model, stages, 0);
        const auto parts = weight_parts(*model, {.tensor = integer_at(in, "tp"), .pipeline = stages}, stage);
        const std::int64_t layers = elements(parts, "attention") + elements(parts, "dense FFN");
        EXPECT_EQ(layers, integer_at(at(row, "expected"), "params_per_device")) << model->name;
        EXPECT_EQ(layers / stage.layers, integer_at(at(row, "expected"), "params_per_layer")) << model->name;
        EXPECT_GT(elements(parts, "embedding") + elements(parts, "layer norms"), 0);
        ++checked;
    }
    std::cout << checked << " of " << rows->children.size() << " rows have figures\n";
    EXPECT_GE(checked, 90);
}

// One expert and attention per layer. Right: the expert, grouped-query attention of Qwen3-235B. D11: MLA lacks the
// rotary key's rows, Qwen3-Next's full attention the query's gate, and the delta net its output projection.
TEST(SimAiParameters, of_components_differ_as_d11_says) {
    const auto rows = shared_rows("golden_simai/component_bytes.json");
    if (!rows) GTEST_SKIP() << "no golden file";
    for (const TomlNode& row : rows->children) {
        const TomlNode& in = at(row, "input");
        const TomlNode& out = at(row, "expected");
        const ModelSpec model = model_of(catalog_name(at(in, "model").text));
        const std::int64_t width = at(in, "dtype").text == "fp8" ? 1 : 2;  // D11: the weights follow the wire's type
        const auto parts = weight_parts(model, {}, pipeline_stage(model, 1, 0));
        const std::int64_t experts = model.moe_layers() * model.moe->experts;
        EXPECT_EQ(elements(parts, "routed experts") / experts * width, integer_at(out, "expert"));
        const std::int64_t ours = elements(parts, "attention") / model.full_attention_layers();
        if (out.find("mla") != nullptr) {
            EXPECT_EQ(ours - integer_at(out, "mla") / width, 7168 * 64) << "kv_a's rotary rows";
        }
        if (out.find("mha") != nullptr) {
            EXPECT_EQ(ours, integer_at(out, "mha") / width) << "right as it is";
        }
        if (out.find("full_attn") != nullptr) {
            EXPECT_EQ(ours - integer_at(out, "full_attn") / width, 2048 * 16 * 256) << "the query's output gate";
        }
        if (out.find("gdn") != nullptr && width == 1) {
            const std::int64_t delta_net = elements(parts, "linear attention") / 36;
            EXPECT_EQ(delta_net + 4 * 8192 - integer_at(out, "gdn"), 4096 * 2048) << "the output projection";
        }
    }
    EXPECT_GE(rows->children.size(), 6U);
}

// The whole model on one GPU in fp8. D11: beside the layers' terms above, routers, norms, embedding and head are
// absent, shared experts of Qwen3-Next too; every element that is counted is in ours as well.
TEST(SimAiParameters, of_a_whole_moe_model_lack_d11s_terms) {
    const auto rows = shared_rows("golden_simai/param_per_device_moe.json");
    if (!rows) GTEST_SKIP() << "no golden file";
    int seen = 0;
    for (const TomlNode& row : rows->children) {
        const TomlNode& in = at(row, "input");
        const bool single =
            integer_at(in, "tp") == 1 && integer_at(in, "pp") == 1 && integer_at(in, "num_replicas") == 1;
        if (failed(row) || !single || at(in, "dtype").text != "fp8") continue;
        const ModelSpec model = model_of(catalog_name(at(in, "model").text));
        const auto parts = weight_parts(model, {}, pipeline_stage(model, 1, 0));
        std::int64_t missing = 0;
        for (const WeightPart& part : parts) {
            const bool counted = part.name == "attention" || part.name == "routed experts" ||
                                 part.name == "dense FFN" || part.name == "linear attention" ||
                                 part.name == "linear attention, convolution and decay" ||
                                 (part.name == "shared experts" && model.attention.kind == AttentionKind::mla);
            if (!counted) missing += part.elements;
        }
        if (model.attention.kind == AttentionKind::mla) missing += 61 * 7168 * 64;
        // The query's gate; of the delta net the output projection, the decay (2 x 32 heads) and the norm (128).
        if (model.linear_attention) missing += 12 * 2048LL * 4096 + 36 * (4096LL * 2048 + 2 * 32 + 128);
        EXPECT_EQ(parameter_count(model) - missing, integer_at(at(row, "expected"), "total_bytes")) << model.name;
        ++seen;
    }
    EXPECT_GE(seen, 3);
}

// D11 and D12: experts divide as real numbers and over all stages; ours are whole and only of their stage.
TEST(SimAiParameters, divide_experts_as_d11_and_d12_say) {
    const ModelSpec deepseek = model_of("DeepSeek-V3");
    const auto routed = [&](const ParallelSpec& parallel) {
        return elements(weight_parts(deepseek, parallel, pipeline_stage(deepseek, parallel.pipeline, 0)),
                        "routed experts");
    };
    EXPECT_EQ(routed({.data = 48, .expert = 48, .redundant_experts = 32}), 58 * 6 * 44'040'192LL)
        << "256 / 48 = 5.33 there; six with copies here";
    const std::int64_t moe_layers = pipeline_stage(deepseek, 2, 0).moe;
    EXPECT_EQ(routed({.tensor = 8, .pipeline = 2, .expert = 8}), moe_layers * 32 * 44'040'192LL)
        << "EP 16 over both stages there, 16 experts; 8 ranks of a stage share all 256 here";
}

// KV bytes of one token. Right: the planner's for MLA and Qwen3-235B. D28: it counts every layer of a hybrid. D9: the
// transfer takes heads as hidden / heads wide, ignores the latent and sends one token too many.
TEST(SimAiKv, differs_as_d9_and_d28_say) {
    const auto rows = shared_rows("golden_simai/component_bytes.json");
    const auto reference = shared_text("golden_simai/correct_reference.json");
    if (!rows || !reference) GTEST_SKIP() << "no golden files";
    const TomlNode right = parse_json_object(*reference, "correct_reference.json").value();
    for (const TomlNode& row : rows->children) {
        const std::string simai = at(at(row, "input"), "model").text;
        const bool fp8 = at(at(row, "input"), "dtype").text == "fp8";
        const ModelSpec model = model_of(catalog_name(simai));
        const std::int64_t ours =
            kv_bytes_per_token(model, model.full_attention_layers(), 1, {fp8 ? DataType::fp8 : DataType::bf16, false})
                .value;
        EXPECT_EQ(ours, integer_at(at(at(right, simai), "kv_bytes_per_token"), fp8 ? "fp8" : "bf16"));
        const std::int64_t planner = integer_at(at(row, "expected"), "kv_bytes_all_layers_per_token_planner");
        EXPECT_EQ(planner, model.linear_attention ? 4 * ours : ours) << "D28: 48 layers where 12 grow";
        const std::int64_t transfer = integer_at(at(row, "expected"), "kv_bytes_per_token_transfer_path");
        const std::int64_t wrong_head = model.hidden / model.attention.q_heads;
        const std::int64_t kv_heads = model.attention.kv_heads;
        EXPECT_EQ(transfer, 2 * kv_heads * wrong_head * model.layers * (fp8 ? 1 : 2)) << "D9: the formula";
        EXPECT_NE(transfer, ours) << "D9";
    }
}

// Transfers: P + 1 tokens there, P here, over a link of 2^30 bits a second per "Gbps"; dense models' bytes are right.
TEST(SimAiKv, transfers_one_token_too_many) {
    const auto rows = shared_rows("golden_simai/kv_transfer.json");
    if (!rows) GTEST_SKIP() << "no golden file";
    int dense = 0;
    for (const TomlNode& row : rows->children) {
        const TomlNode& in = at(row, "input");
        const TomlNode& out = at(row, "expected");
        const std::int64_t per_token = integer_at(out, "kv_bytes_per_token");
        EXPECT_EQ(integer_at(out, "transfer_bytes"), per_token * (integer_at(in, "prefill_tokens") + 1)) << "D9: + 1";
        const double link = number_at(in, "bandwidth") * static_cast<double>(1LL << 30) / 8;
        EXPECT_DOUBLE_EQ(number_at(out, "transfer_s"), number_at(out, "transfer_bytes") / link) << "2^30, not 10^9";
        const auto model = simai_dense_model(at(in, "model").text);
        if (!model) continue;
        const std::string type = at(in, "dtype").text;
        EXPECT_EQ(kv_bytes_per_token(*model, model->layers, 1, {wire_type(type), false}).value, per_token)
            << model->name;
        ++dense;
    }
    EXPECT_GT(dense, 100);
}

// The planner. Right: what the device leaves. D13: the KV of a request is that of two tokens, so its batch sizes are
// three orders too large; ours at 4,096 tokens is the real figure. D14: every replica gets the prefill pool's.
TEST(SimAiPlanner, counts_two_tokens_a_request) {
    const auto rows = shared_rows("golden_simai/memory_planner.json");
    if (!rows) GTEST_SKIP() << "no golden file";
    int batches = 0;
    for (const TomlNode& row : rows->children) {
        const TomlNode& in = at(row, "input");
        if (failed(row) || catalog_name(at(in, "model").text) == nullptr) continue;
        const TomlNode& out = at(row, "expected");
        if (out.find("max_batch_size") == nullptr || out.find("kv_per_request_bytes") == nullptr) continue;
        const ModelSpec model = model_of(catalog_name(at(in, "model").text));
        const DataType dtype = at(in, "dtype").text == "fp8" ? DataType::fp8 : DataType::bf16;
        const std::int64_t layers = model.linear_attention ? model.layers : model.full_attention_layers();  // D28
        const std::int64_t two = 2 * kv_bytes_per_token(model, layers, 1, {dtype, false}).value;
        EXPECT_EQ(integer_at(out, "kv_per_request_bytes"), two) << "D13";
        const double prefill = number_at(out, "available_bytes") - static_cast<double>([&] {
                                   const TomlNode& bytes = at(out, "param_bytes").children.at(1);
                                   return bytes.kind == TomlNode::Kind::real ? bytes.real
                                                                             : static_cast<double>(bytes.integer);
                               }());
        EXPECT_EQ(integer_at(out, "max_batch_size"),
                  static_cast<std::int64_t>(std::floor(prefill / static_cast<double>(two))))
            << "D13 and D14: the prefill pool's bytes, for decode replicas too";
        ++batches;
    }
    std::cout << batches << " batch sizes derived with the two defects\n";
    EXPECT_GT(batches, 50);
}

// Dense rows: the KV of max_tokens is right, and so is the division; D11: embedding, head and norms are not in the
// weights, which makes room for that many more requests than there is.
TEST(SimAiPlanner, leaves_out_the_vocabulary_of_dense_models) {
    const auto rows = shared_rows("golden_simai/memory_planner.json");
    if (!rows) GTEST_SKIP() << "no golden file";
    int checked = 0;
    for (const TomlNode& row : rows->children) {
        const TomlNode& in = at(row, "input");
        const auto model = simai_dense_model(at(in, "model").text);
        if (failed(row) || !model || at(row, "expected").find("max_batch_size") == nullptr) continue;
        const TomlNode& out = at(row, "expected");
        const std::int64_t tensor = integer_at(in, "tp");
        const PipelineStage stage = pipeline_stage(*model, integer_at(in, "pp"), 0);
        const auto parts = weight_parts(*model, {.tensor = tensor, .pipeline = integer_at(in, "pp")}, stage);
        const std::int64_t layers = elements(parts, "attention") + elements(parts, "dense FFN");
        const std::int64_t kv =
            kv_bytes_per_token(*model, model->layers, tensor, {}).value * integer_at(in, "max_tokens");
        const double batch =
            (number_at(out, "available_bytes") - 2.0 * static_cast<double>(layers)) / static_cast<double>(kv);
        EXPECT_EQ(number_at(out, "max_batch_size"), std::floor(batch)) << model->name << " tp " << tensor;
        ++checked;
    }
    std::cout << checked << " dense batch sizes\n";
    EXPECT_GT(checked, 100);
}

// The specification's example: DeepSeek in fp8 on H20-141GB with TP 8. SimAI says 1,298,702 requests; at 4,096 tokens
// the KV of one takes 143.9 MB, and 634 fit by its own weights; ours counts weights exactly and keeps reserves.
TEST(SimAiPlanner, misses_the_real_concurrency_by_three_orders) {
    const ModelSpec deepseek = model_of("DeepSeek-V3");
    const std::int64_t request = 4096 * kv_bytes_per_token(deepseek, 61, 1, {DataType::fp8, false}).value;
    EXPECT_NEAR(static_cast<double>(request), 143.9e6, 0.1e6);
    Scenario s = scenario_of("DeepSeek-V3", "H20",
                             "parallel = { tensor = 8, data = 2, expert = 16 }\nkv = { dtype = 'fp8' }\n"
                             "max_context = 8192\nbatching = { max_batched_tokens = 4096 }\n");
    s.pools[0].gpu.memory = Bytes(141LL << 30);
    const MemoryPlan plan = plan_memory(s).value().at(0);
    const Concurrency fits = concurrency(s.model, s.pools[0], plan, {Tokens(4000), Tokens(96)});
    std::cout << "DeepSeek-V3 on H20-141GB: " << fits.by_blocks << " requests of 4,096 tokens\n";
    EXPECT_GT(fits.by_blocks, 300);
    EXPECT_LT(fits.by_blocks, 700);
}

// D14: with fewer decode GPUs than prefill GPUs the decode pool holds less; each pool's plan is its own.
TEST(SimAiPlanner, gives_decode_the_figure_of_prefill) {
    const std::string toml =
        "name = 's'\nmodel = 'Qwen3-30B-A3B'\ngpu = 'H100-SXM'\n[[pool]]\nrole = 'prefill'\nparallel = { data "
        "= 8, expert = 8 }\n[[pool]]\nrole = 'decode'\n[transfer]\ngigabits_per_s = 400\nlatency_us = 0\n";
    const auto plans = plan_memory(parse_scenario(toml, "t.toml").value()).value();
    EXPECT_GT(plans[0].blocks, plans[1].blocks + plans[1].blocks / 2);
}

// D15 and the tracker: 256 blocks for every request there, whatever its length, and never a refusal; ours by length.
TEST(SimAiPlanner, reserves_whole_contexts) {
    const auto text = shared_text("golden_simai/kv_alloc_release.json");
    if (!text) GTEST_SKIP() << "no golden file";
    const TomlNode golden = parse_json_object(*text, "kv_alloc_release.json").value();
    const ModelSpec qwen = model_of("Qwen3-235B-A22B");
    const std::int64_t allocated = integer_at(at(at(golden, "ops").children.at(1), "state"), "allocated");
    EXPECT_EQ(allocated, 256 * 16 * 48'128LL) << "D9: half of the right bytes for 4,096 tokens";
    EXPECT_EQ(kv_bytes_per_token(qwen, 94, 1, {DataType::fp8, false}).value * 4096, 2 * allocated);
    const Scenario s =
        scenario_of("Qwen3-235B-A22B", "H20", "parallel = { tensor = 4 }\nweights = 'fp8'\nkv = { dtype = 'fp8' }\n");
    const MemoryPlan plan = plan_memory(s).value().at(0);
    EXPECT_EQ(plan.kv_bytes_per_token, Bytes(94 * 2 * 128)) << "one of four heads on each of four GPUs";
    EXPECT_EQ(blocks_per_request(s.model, s.pools[0], plan, {Tokens(100), Tokens(8)}), 7) << "not 256";
}

// The reference totals and the per-component table, to the parameter.
TEST(CorrectReference, equals_ours_component_by_component) {
    const auto text = shared_text("golden_simai/correct_reference.json");
    if (!text) GTEST_SKIP() << "no golden file";
    const TomlNode all = parse_json_object(*text, "correct_reference.json").value();
    const std::pair<const char*, const char*> names[] = {{"deepseek-671B", "DeepSeek-V3"},
                                                         {"qwen3-moe-235B", "Qwen3-235B-A22B"},
                                                         {"qwen3-next-80B", "Qwen3-Next-80B-A3B"},
                                                         {"qwen3-30B-A3B", "Qwen3-30B-A3B"},
                                                         {"qwen3-8B", "Qwen3-8B"}};
    for (const auto& [simai, name] : names) {
        SCOPED_TRACE(name);
        const TomlNode& right = at(all, simai);
        const ModelSpec model = model_of(name);
        const auto parts = weight_parts(model, {}, pipeline_stage(model, 1, 0));
        const std::int64_t full = model.full_attention_layers();
        const auto equals = [&](const char* key, std::int64_t ours) {
            if (right.find(key) == nullptr) return;
            EXPECT_EQ(integer_at(right, key), ours) << key;
        };
        equals("total_params", parameter_count(model));
        equals("embed_plus_head", elements(parts, "embedding") + elements(parts, "LM head"));
        equals("attn_per_layer", elements(parts, "attention") / full);
        equals("full_attn_per_layer", (elements(parts, "attention") + elements(parts, "query and key norms")) / full);
        if (model.moe) {
            const std::int64_t gate = model.moe->shared_gate ? model.hidden : 0;
            equals("expert", elements(parts, "routed experts") / model.moe_layers() / model.moe->experts);
            equals("shared_expert", elements(parts, "shared experts") / model.moe_layers());
            equals("router_per_layer", elements(parts, "router") / model.moe_layers() - gate);
        }
        if (model.linear_attention) {
            equals("gdn_per_layer", (elements(parts, "linear attention") +
                                     elements(parts, "linear attention, convolution and decay")) / 36);
        }
        if (const TomlNode* mla = right.find("mla_per_layer")) {
            const ParallelSpec half{.tensor = 2};
            const std::int64_t one = elements(parts, "attention") / 61;
            const std::int64_t two = elements(weight_parts(model, half, pipeline_stage(model, 1, 0)), "attention") / 61;
            EXPECT_EQ(integer_at(*mla, "sharded"), 2 * (one - two));
            EXPECT_EQ(integer_at(*mla, "replicated"), one - 2 * (one - two));
            EXPECT_EQ(integer_at(*mla, "norms"), elements(parts, "latent norms") / 61);
        }
        if (right.find("active_params_per_token") != nullptr) {
            const double active = number_at(right, "active_params_per_token");
            std::cout << name << " active: ours " << active_parameter_count(model) << ", reference " << active << '\n';
            EXPECT_NEAR(static_cast<double>(active_parameter_count(model)), active, 1e-3 * active)
                << "norms and biases";
        }
        for (const TomlNode& kv : at(right, "kv_bytes_per_token").children) {
            const bool flashmla = kv.key == "flashmla_fp8_656";
            const DataType dtype = kv.key == "bf16" ? DataType::bf16 : DataType::fp8;
            EXPECT_EQ(kv_bytes_per_token(model, full, 1, {dtype, flashmla}).value, kv.integer) << kv.key;
        }
    }
}

}  // namespace
}  // namespace replayd
