#include "replay/cost/tables/read_profile.hpp"

#include <gtest/gtest.h>

#include "replay/cost/tables/profile_cost.hpp"
#include "tests/replay/cost/cost_fixture.hpp"

namespace replayd::cost {
namespace {

using cost_test::decode_step;
using cost_test::prefill_step;
using cost_test::step_ns;

constexpr const char* k_attention =
    "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n16,0,0,0,10\n1024,0,0,0,100\n0,0,1,64,9\n0,0,64,1024,300\n";

Scenario llama() {
    Scenario scenario = cost_test::scenario("Llama-3.1-8B", "RTX-4090");
    scenario.pools.front().max_context = Tokens(8192);
    scenario.pools.front().batching.max_batched_tokens = Tokens(2048);
    return scenario;
}

ProfileFiles folder(std::map<std::string, std::string, std::less<>> text) { return {"perf", std::move(text)}; }

Result<StepProfile> read(const ProfileFiles& files, const Scenario& scenario = llama()) {
    return read_profile(files, scenario.model, scenario.pools.front());
}

std::unique_ptr<const CostModel> model_of(const ProfileFiles& files, const Scenario& scenario) {
    return make_profile_cost(scenario.model, scenario.pools.front(), read(files, scenario).value()).value();
}

// Layers run as often as the composed operators that they stand for, padded to a captured batch; the rest keeps its
// law.
TEST(ProfileCost, takes_measured_times_and_keeps_laws_for_the_rest) {
    const auto model =
        model_of(folder({{"dense.csv", "layer,tokens,time_us\nlayernorm,1,2\nlayernorm,8,4\ngate_up_proj,1,100\n"},
                         {"attention.csv", k_attention}}),
                 llama());
    const auto norm = cost_test::operator_of(*model, decode_step(5, 64), "layernorm");
    EXPECT_EQ(norm.count, 64);
    EXPECT_EQ(norm.total, Duration(64 * 4000)) << "five tokens run as eight";
    EXPECT_EQ(norm.provenance, "profile perf; interpolated");
    const auto up = cost_test::operator_of(*model, decode_step(5, 64), "gate_up_proj");
    EXPECT_EQ(up.provenance, "profile perf; law beyond the measured range");
    EXPECT_NE(cost_test::operator_of(*model, decode_step(5, 64), "attention.qkv").provenance.find("law"),
              std::string::npos);
}

// Rows that go by tokens and not by layer make one curve of each layer, as those in the order of layers do.
TEST(ProfileCost, takes_rows_in_any_order) {
    const auto by_layer = model_of(
        folder({{"dense.csv", "layer,tokens,time_us\nlayernorm,1,2\nlayernorm,8,4\nqkv_proj,1,50\nqkv_proj,8,60\n"},
                {"attention.csv", k_attention}}),
        llama());
    const auto by_tokens = model_of(
        folder({{"dense.csv", "layer,tokens,time_us\nlayernorm,1,2\nqkv_proj,1,50\nlayernorm,8,4\nqkv_proj,8,60\n"},
                {"attention.csv", k_attention}}),
        llama());
    EXPECT_EQ(cost_test::operator_of(*by_tokens, decode_step(8, 64), "qkv_proj").total, Duration(32 * 60'000));
    for (const std::int64_t n : {1, 5, 8, 64}) {
        EXPECT_EQ(step_ns(*by_tokens, decode_step(n, 64)), step_ns(*by_layer, decode_step(n, 64)));
    }
}

// The exchange of data-parallel ranks is priced by a law in every profile: alone it makes none.
TEST(ProfileCost, refuses_a_profile_without_measured_operators_of_the_model) {
    ParallelSpec parallel;
    parallel.data = 2;
    parallel.expert = 2;
    Scenario scenario = cost_test::scenario("Qwen3-30B-A3B", "H100-SXM", parallel);
    scenario.pools.front().runtime.moe = MoeBackend::fused;
    StepProfile profile;
    profile.origin = "perf";
    profile.curves.push_back({"up", {"ffn.up"}, CurveField::rows, {{1, 2}}, false});
    const auto model = make_profile_cost(scenario.model, scenario.pools.front(), profile);
    ASSERT_FALSE(model.has_value());
    EXPECT_EQ(model.error().message, "pool \"only\": profile perf holds no operator of Qwen3-30B-A3B");
    profile.curves.front() = {"norm", {"attention.norm"}, CurveField::rows, {{1, 2}}, false};
    EXPECT_TRUE(make_profile_cost(scenario.model, scenario.pools.front(), profile).has_value());
}

// The operator table adds up to the step, also where an argument lies beyond the tables.
TEST(ProfileCost, explains_what_it_charges) {
    const auto model = model_of(folder({{"dense.csv", "layer,tokens,time_us\nlayernorm,1,2\nqkv_proj,64,50\n"},
                                        {"per_sequence.csv", "layer,sequences,time_us\nlm_head,1,900\nsampler,1,20\n"},
                                        {"attention.csv", k_attention}}),
                                llama());
    for (const StepShape& shape :
         {decode_step(3, 100), decode_step(300, 2000), prefill_step(2, 900), prefill_step(3, 3000)}) {
        std::int64_t sum = 0;
        for (const OperatorCost& cost : model->explain(shape)) sum += cost.total.value;
        EXPECT_EQ(sum, step_ns(*model, shape));
    }
}

// More sequences, longer contexts, more tokens: never cheaper. And what the ledger asks is never more than the step.
TEST(ProfileCost, never_falls) {
    const auto model =
        model_of(folder({{"dense.csv", "layer,tokens,time_us\nqkv_proj,1,50\nqkv_proj,64,40\nqkv_proj,512,90\n"},
                         {"attention.csv", k_attention}}),
                 llama());
    for (std::int64_t n = 1; n < 200; n += 7) {
        for (std::int64_t context = 1; context < 8000; context += 613) {
            EXPECT_LE(step_ns(*model, decode_step(n, context)), step_ns(*model, decode_step(n + 1, context)));
            EXPECT_LE(step_ns(*model, decode_step(n, context)), step_ns(*model, decode_step(n, context + 1)));
        }
    }
    for (std::int64_t tokens = 1; tokens < 2048; tokens += 31) {
        EXPECT_LE(step_ns(*model, prefill_step(1, tokens)), step_ns(*model, prefill_step(1, tokens + 1)));
        Duration alone{0};
        model->alone(prefill_step(1, tokens), std::span(&alone, 1));
        EXPECT_LE(alone.value, step_ns(*model, prefill_step(1, tokens)));
    }
    EXPECT_FALSE(model->alone_is_step());
}

constexpr const char* k_mlp =
    "n_embd,n_head,n_kv_head,num_tokens,num_tensor_parallel_workers,time_stats.input_layernorm.median,"
    "time_stats.attn_pre_proj.median,time_stats.attn_rope.median,time_stats.attn_post_proj.median,"
    "time_stats.mlp_up_proj.median,time_stats.mlp_act.median,time_stats.mlp_down_proj.median\n"
    "4096,32,8,8,1,0.002,0.05,0.003,0.04,0.2,0.004,0.1\n4096,32,8,1024,1,0.01,0.5,0.03,0.4,2,0.04,1\n";
constexpr const char* k_vidur_attention =
    "num_tensor_parallel_workers,batch_size,prefill_chunk_size,kv_cache_size,time_stats.attn_prefill.median,"
    "time_stats.attn_decode.median,time_stats.attn_kv_cache_save.median\n"
    "1,1,64,0,0.01,,0.002\n1,1,1024,0,0.1,,0.004\n1,8,0,512,,0.03,0.002\n1,64,0,512,,0.2,0.002\n";

// vidur's milliseconds become microseconds; empty cells of the other phase are none.
TEST(ReadProfile, reads_vidur) {
    const auto model = model_of(folder({{"mlp.csv", k_mlp}, {"attention.csv", k_vidur_attention}}), llama());
    EXPECT_EQ(cost_test::operator_of(*model, decode_step(8, 512), "mlp_up_proj").total, Duration(32 * 200'000));
    EXPECT_NEAR(static_cast<double>(cost_test::operator_of(*model, decode_step(8, 512), "attention").total.value),
                32 * 30'000, 3'000);
    EXPECT_EQ(cost_test::operator_of(*model, decode_step(8, 512), "attn_kv_cache_save").total, Duration(32 * 2'000));
}

std::string layers(int attention_ns, int moe_ns) {
    return "layer_id\tlayer_name\tcomp_time\tcomm_size\n0\tattention\t" + std::to_string(attention_ns) +
           "\t10\n0\tmoe\t" + std::to_string(moe_ns) + "\t10\n";
}

Scenario qwen() {
    ParallelSpec parallel;
    parallel.tensor = 4;
    parallel.data = 2;
    parallel.expert = 8;
    Scenario scenario = cost_test::scenario("Qwen3-235B-A22B", "H20", parallel);
    scenario.pools.front().max_context = Tokens(8192);
    return scenario;
}

std::map<std::string, std::string, std::less<>> aicb() {
    const std::string begin = "vidur-Qwen3-Moe-235B-world_size8-tp4-pp1-ep8-bs";
    return {{begin + "1-seq100-prefill.csv", layers(90'000, 300'000)},
            {begin + "1-seq2000-prefill.csv", layers(900'000, 3'000'000)},
            {begin + "1-seq100-decode.csv", layers(41'000, 80'000)},
            {begin + "4-seq100-decode.csv", layers(44'000, 120'000)}};
}

// Nanoseconds stay nanoseconds (D17), prompts are priced as prompts (D18) by their length (D19), decodes by their own
// context (D20).
TEST(ReadProfile, reads_aicb_without_its_defects) {
    const auto model = model_of(folder(aicb()), qwen());
    const auto attention = [&](const StepShape& shape) {
        return static_cast<double>(cost_test::operator_of(*model, shape, "attention").total.value) / 94;
    };
    EXPECT_NEAR(attention(prefill_step(1, 100)), 90'000, 3'000);
    EXPECT_NEAR(attention(prefill_step(1, 2000)), 900'000, 30'000);
    EXPECT_NEAR(attention(decode_step(4, 100)), 44'000, 1'500);
    EXPECT_EQ(cost_test::operator_of(*model, decode_step(4, 100), "moe").total, Duration(94 * 120'000));
}

// Rows in the model's shapes replace its laws; other rows are for other models.
TEST(ReadProfile, reads_kernel_tables) {
    const auto model =
        model_of(folder({{"gemm.csv",
                          "gemm_dtype,m,n,k,latency\nbfloat16,1,6144,4096,0.05\nbfloat16,512,6144,4096,0.2\n"
                          "bfloat16,1,999,4096,7\n"}}),
                 llama());
    EXPECT_EQ(cost_test::operator_of(*model, decode_step(1, 64), "attention.qkv").total, Duration(32 * 50'000));
    EXPECT_NE(cost_test::operator_of(*model, decode_step(1, 64), "ffn.up").provenance.find("law"), std::string::npos);
}

// `step` counts the tokens before the chunk: a chunk after many takes the time that was measured so.
TEST(ReadProfile, takes_step_of_kernel_tables_as_computed_tokens) {
    const std::string begin =
        "batch_size,isl,num_heads,num_key_value_heads,head_dim,attn_dtype,kv_cache_dtype,step,latency\n";
    const std::string heads = ",32,8,128,bfloat16,bfloat16,";
    const auto files =
        folder({{"context_attention.csv", begin + "1,16" + heads + "0,0.01\n1,16" + heads + "4096,0.02\n1,512" + heads +
                                              "0,0.05\n1,512" + heads + "4096,0.4\n1,1024" + heads + "0,0.1\n1,1024" +
                                              heads + "4096,0.8\n"},
                {"generation_attention.csv", begin + "1,1" + heads + "512,0.01\n64,1" + heads + "512,0.2\n"}});
    const auto model = model_of(files, llama());
    const auto attention_ns = [&](std::int64_t past) {
        StepShape shape = prefill_step(1, 512);
        shape.prefill_pairs += 512 * past;
        shape.prefill_context += past;
        return static_cast<double>(cost_test::operator_of(*model, shape, "attention").total.value) / 32;
    };
    EXPECT_NEAR(attention_ns(0), 50'000, 2'000);
    EXPECT_NEAR(attention_ns(4096), 400'000, 12'000);
}

struct Wrong {
    ProfileFiles files;
    std::string message;
};

// One message says file, row, column, value and what was expected.
TEST(ReadProfile, says_what_is_wrong) {
    const std::string dense = "layer,tokens,time_us\nqkv_proj,1,5\n";
    const Wrong cases[] = {
        {folder({{"notes.csv", "a\n1\n"}}),
         "perf holds no profile: expected dense.csv and attention.csv of a vLLM profile, mlp.csv and attention.csv of "
         "vidur, vidur-MODEL-…-prefill.csv of AICB, or tables as gemm.csv in the columns of `replayctl cost eval`"},
        {folder({{"dense.csv", "layer,tokens,time_us\nqkv,1,5\n"}}),
         "perf/dense.csv row 1: layer is \"qkv\": expected one of embedding, layernorm, qkv_proj, qk_norm, rotary_emb, "
         "o_proj, gate_up_proj, act_fn, down_proj, final_layernorm, lm_head, sampler"},
        {folder({{"dense.csv", "layer,tokens,time_us\nqkv_proj,0,5\n"}}),
         "perf/dense.csv row 1: tokens is \"0\": expected a number of at least 1"},
        {folder({{"dense.csv", "layer,tokens\nqkv_proj,1\n"}}), "perf/dense.csv lacks the column \"time_us\""},
        {folder({{"dense.csv", "layer,tokens,time_us\n"}}),
         "perf/dense.csv has no rows: expected measurements below the header"},
        {folder({{"dense.csv", dense}, {"per_sequence.csv", "layer,sequences,time_us\nlm_head,1,9\nqkv_proj,1,5\n"}}),
         "perf/per_sequence.csv row 2: layer is \"qkv_proj\": expected it in dense.csv or here, not in both"},
        {folder({{"dense.csv", "layer,tokens,time_us\nqkv_proj,1,0\n"}}),
         "perf/dense.csv row 1: time_us is \"0\": expected a number above 0"},
        {folder({{"dense.csv", dense},
                 {"attention.csv", "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n16,0,0,0,0\n"}}),
         "perf/attention.csv row 1: time_us is \"0\": expected a number above 0"},
        {folder({{"mlp.csv", k_mlp},
                 {"attention.csv",
                  "num_tensor_parallel_workers,batch_size,prefill_chunk_size,kv_cache_size,"
                  "time_stats.attn_prefill.median,time_stats.attn_decode.median\n1,1,64,0,0.01,\n1,8,0,512,0.03,\n"}}),
         "perf/attention.csv row 2: time_stats.attn_decode.median is \"\": expected a number above 0"},
        {folder({{"gemm.csv", "gemm_dtype,m,n,k,latency\nbfloat16,1,6144,4096,0\n"}}),
         "perf/gemm.csv row 1: latency is 0: expected a number above 0"},
        {folder({{"dense.csv", dense},
                 {"attention.csv", "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n16,0,0,0,9\n"}}),
         "perf/attention.csv has no rows with prefill_chunk 0 and n_decode above 0"},
        {folder({{"mlp.csv", k_mlp}}), "perf lacks attention.csv: expected it beside mlp.csv"},
        {folder({{"mlp.csv", "n_embd,num_tensor_parallel_workers\n5120,1\n"}}),
         "perf/mlp.csv: n_embd is 5120: expected 4096 of model Llama-3.1-8B"},
        {folder({{"mlp.csv", "n_embd,num_tensor_parallel_workers\n4096,2\n4096,4\n"}}),
         "perf/mlp.csv has no rows with num_tensor_parallel_workers = 1, which the pool needs: it has 2, 4"},
        {folder(aicb()),
         "perf/vidur-Qwen3-Moe-235B-world_size8-tp4-pp1-ep8-bs1-seq100-decode.csv was measured with Qwen3-Moe-235B: "
         "expected files of the scenario's model, Llama-3.1-8B"},
        {folder({{"vidur-Qwen3-Moe-235B-world_size8-tp4.csv", "x\n1\n"}}),
         "perf/vidur-Qwen3-Moe-235B-world_size8-tp4.csv: expected a name as "
         "vidur-MODEL-world_size8-tp8-pp1-ep8-bs1-seq100-prefill.csv, or -decode.csv"},
        {folder({{"gemm.csv", "gemm_dtype,m,n,k,latency\nbfloat16,1,999,4096,7\n"}}),
         "perf holds no row in the shapes of Llama-3.1-8B at tensor = 1"}};
    for (const Wrong& wrong : cases) {
        const auto profile = read(wrong.files);
        ASSERT_FALSE(profile.has_value()) << wrong.message;
        EXPECT_EQ(profile.error().message, wrong.message);
    }
}

// A law for other prompt lengths needs two of them; parallelism that was not measured is never priced by another's.
TEST(ReadProfile, refuses_aicb_files_that_do_not_suffice) {
    auto one_length = aicb();
    one_length.erase(one_length.find("vidur-Qwen3-Moe-235B-world_size8-tp4-pp1-ep8-bs1-seq2000-prefill.csv"));
    EXPECT_EQ(read(folder(one_length), qwen()).error().message,
              "perf holds -prefill.csv of bs1 with tp4 of 1 prompt lengths: expected 2 or more, since a law for other "
              "lengths is fitted to them");
    auto together = aicb();
    for (const char* length : {"100", "2000"}) {
        const std::string begin = "vidur-Qwen3-Moe-235B-world_size8-tp4-pp1-ep8-bs";
        auto measured = together.extract(begin + "1-seq" + length + "-prefill.csv");
        measured.key() = begin + "4-seq" + length + "-prefill.csv";
        together.insert(std::move(measured));
    }
    EXPECT_EQ(read(folder(together), qwen()).error().message,
              "perf holds -prefill.csv of bs1 with tp4 of 0 prompt lengths: expected 2 or more, since a law for other "
              "lengths is fitted to them")
        << "prompts that ran together say nothing of one";
    auto no_time = aicb();
    no_time.begin()->second = layers(0, 300'000);
    EXPECT_EQ(read(folder(no_time), qwen()).error().message,
              "perf/vidur-Qwen3-Moe-235B-world_size8-tp4-pp1-ep8-bs1-seq100-decode.csv row 1: comp_time is \"0\": "
              "expected a number above 0");
    Scenario other = qwen();
    other.pools.front().parallel.expert = 4;
    EXPECT_EQ(read(folder(aicb()), other).error().message,
              "perf holds no files of tp4 and ep4, the pool's parallelism");
    other.pools.front().parallel.tensor = 8;
    EXPECT_EQ(read(folder(aicb()), other).error().message,
              "perf holds no -decode.csv measured with tp8, the pool's tensor parallelism: add one");
}

}  // namespace
}  // namespace replayd::cost
