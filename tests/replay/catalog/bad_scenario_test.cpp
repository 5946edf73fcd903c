// Wrong scenario files and the exact message of each: what a person sees who made that mistake.

#include <gtest/gtest.h>

#include "replay/catalog/scenario_toml.hpp"

namespace replayd {
namespace {

// Lines 1 to 3 of every case, so that the first line of a case is line 4 of its file.
constexpr const char* k_dense = "name = 's'\nmodel = 'Llama-3.1-8B'\ngpu = 'H100-SXM'\n";
constexpr const char* k_moe = "name = 's'\nmodel = 'Qwen3-30B-A3B'\ngpu = 'H100-SXM'\n";
constexpr const char* k_hybrid = "name = 's'\nmodel = 'Qwen3-Next-80B-A3B'\ngpu = 'H200-SXM'\n";
constexpr const char* k_mixed = "[[pool]]\nrole = 'mixed'\n";
constexpr const char* k_pair = "[[pool]]\nrole = 'prefill'\n[[pool]]\nrole = 'decode'\n";
constexpr const char* k_link = "[transfer]\ngigabits_per_s = 400\nlatency_us = 20\n";

constexpr const char* k_gpu_names =
    "A100-SXM-80GB, B200, H100-SXM, H20, H200-SXM, H800, RTX-4090 or RTX-PRO-6000";
constexpr const char* k_model_names =
    "DeepSeek-V3, Llama-3-70B, Llama-3.1-8B, Mixtral-8x7B, OLMoE-1B-7B, Qwen3-235B-A22B, Qwen3-30B-A3B, Qwen3-32B, "
    "Qwen3-8B, "
    "Qwen3-Next-80B-A3B or Step-3";

struct BadCase {
    std::string toml;
    std::string message;
};

std::string operator+(const char* a, const std::string& b) { return std::string(a).append(b); }

void expect_messages(const std::vector<BadCase>& cases) {
    for (const BadCase& c : cases) {
        const auto parsed = parse_scenario(c.toml, "s.toml");
        if (parsed) {
            ADD_FAILURE() << "accepted:\n" << c.toml;
            continue;
        }
        EXPECT_EQ(parsed.error().code, Code::invalid_argument);
        EXPECT_EQ(parsed.error().message, c.message) << c.toml;
    }
}

std::string mixed(const std::string& rest) { return std::string(k_dense) + k_mixed + rest; }
std::string moe(const std::string& rest) { return std::string(k_moe) + k_mixed + rest; }

// Text that is not TOML names the line.
TEST(BadScenario, text_that_is_not_toml) {
    expect_messages({
        {"name = \n", "s.toml:1: not valid TOML: Error while parsing key-value pair: expected value, saw '\\n'"},
        {"name = 's'\nname = 't'\n", "s.toml:2: not valid TOML: Error while parsing key-value pair: cannot redefine "
                                     "existing string 'name'"},
        {"", "s.toml:1: name is missing: expected a string"},
    });
}

// A misspelt key wins over everything else, since it is the likelier cause of the rest.
TEST(BadScenario, misspelt_keys) {
    expect_messages({
        {"nam = 's'\n", "s.toml:1: nam: unknown key; did you mean \"name\"?"},
        {std::string(k_dense) + "[slo]\nttft = 500\n" + k_mixed,
         "s.toml:5: slo.ttft: unknown key; did you mean \"ttft_ms\"?"},
        {mixed("replica = 2\n"), "s.toml:6: pool.replica: unknown key; did you mean \"replicas\"?"},
        {mixed("[pool.paralel]\ntensor = 2\n"), "s.toml:6: pool.paralel: unknown key; did you mean \"parallel\"?"},
        {mixed("parallel = { tensr = 2 }\n"), "s.toml:6: pool.parallel.tensr: unknown key; did you mean \"tensor\"?"},
        {mixed("[pool.batching]\nchunkd_prefill = true\n"),
         "s.toml:7: pool.batching.chunkd_prefill: unknown key; did you mean \"chunked_prefill\"?"},
        {mixed("[pool.kv]\nblok_tokens = 16\n"),
         "s.toml:7: pool.kv.blok_tokens: unknown key; did you mean \"block_tokens\"?"},
        {std::string(k_dense) + "[transfr]\nlatency_us = 1\n" + k_pair,
         "s.toml:4: transfr: unknown key; did you mean \"transfer\"?"},
        {mixed("zzz = 1\n"),
         "s.toml:6: pool.zzz: unknown key; expected parallel, batching, kv, runtime, afd, role, name, gpu, replicas, "
         "speculation, autoscale, weights, router, router_match_weight, router_load_weight or max_context"},
    });
}

// Names out of a fixed set come back with the set and the nearest member.
TEST(BadScenario, misspelt_names) {
    expect_messages({
        {std::string("name = 's'\nmodel = 'Llama-3-8B'\n") + k_mixed, "s.toml:2: model = \"Llama-3-8B\": expected " +
                                                                          std::string(k_model_names) +
                                                                          "; did you mean \"Llama-3-70B\"?"},
        {std::string("name = 's'\nmodel = 'Qwen3-8B'\ngpu = 'H10-SXM'\n") + k_mixed,
         "s.toml:3: gpu = \"H10-SXM\": expected " + std::string(k_gpu_names) + "; did you mean \"H100-SXM\"?"},
        {mixed("gpu = 'h20'\n"),
         "s.toml:6: pool.gpu = \"h20\": expected " + std::string(k_gpu_names) + "; did you mean \"H20\"?"},
        {std::string(k_dense) + "[[pool]]\nrole = 'prefil'\n",
         "s.toml:5: pool.role = \"prefil\": expected mixed, prefill or decode; did you mean \"prefill\"?"},
        {mixed("router = 'roundrobin'\n"),
         "s.toml:6: pool.router = \"roundrobin\": expected round_robin, random, least_outstanding, least_tokens, "
         "prefix_aware, session_affinity, kv_headroom, lor or vllm_balancer; did you mean \"round_robin\"?"},
        {mixed("batching = { policy = 'sarathy' }\n"),
         "s.toml:6: pool.batching.policy = \"sarathy\": expected vllm_v1, vllm, sarathi, orca, faster_transformer or "
         "lightllm; did you mean \"sarathi\"?"},
        {mixed("kv = { dtype = 'fp16' }\n"),
         "s.toml:6: pool.kv.dtype = \"fp16\": expected bf16 or fp8; did you mean \"bf16\"?"},
        {mixed("weights = 'nvfp4x'\n"), "s.toml:6: pool.weights = \"nvfp4x\": expected bf16, fp8, int8 or int4"},
        {std::string(k_dense) + "[cost]\nsource = 'analytical'\n" + k_mixed,
         "s.toml:5: cost.source = \"analytical\": expected analytic, linear or profile; did you mean \"analytic\"?"},
        {std::string(k_dense) + "[cost]\nsource = 'profile'\nprofile = 'perf'\n" + k_mixed,
         "s.toml:6: cost.profile = \"perf\": profile folders are not read here"},
        {std::string("name = 'two words'\nmodel = 'Qwen3-8B'\ngpu = 'H20'\n") + k_mixed,
         "s.toml:1: name = \"two words\": expected 1 to 100 letters, digits, '.', '_' or '-'"},
    });
}

// Wrong types and values out of range name the range.
TEST(BadScenario, wrong_types_and_ranges) {
    expect_messages({
        {mixed("replicas = '2'\n"), "s.toml:6: pool.replicas = \"2\": expected an integer from 1 to 10000"},
        {mixed("replicas = 0\n"), "s.toml:6: pool.replicas = 0: expected an integer from 1 to 10000"},
        {mixed("parallel = { tensor = 1.5 }\n"),
         "s.toml:6: pool.parallel.tensor = 1.5: expected an integer from 1 to 4096"},
        {mixed("parallel = 8\n"), "s.toml:6: pool.parallel = 8: expected a table"},
        {mixed("batching = { chunked_prefill = 'yes' }\n"),
         "s.toml:6: pool.batching.chunked_prefill = \"yes\": expected true or false"},
        {mixed("kv = { block_tokens = 0 }\n"),
         "s.toml:6: pool.kv.block_tokens = 0: expected an integer from 1 to 65536"},
        {mixed("kv = { num_blocks = -4 }\n"),
         "s.toml:6: pool.kv.num_blocks = -4: expected an integer from 1 to 1000000000"},
        {mixed("kv = { memory_fraction = 90 }\n"),
         "s.toml:6: pool.kv.memory_fraction = 90: expected a number above 0 and at most 1"},
        {mixed("kv = { memory_fraction = nan }\n"),
         "s.toml:6: pool.kv.memory_fraction = nan: expected a number above 0 and at most 1"},
        {std::string(k_dense) + "seed = -1\n" + k_mixed, "s.toml:4: seed = -1: expected an integer of at least 0"},
        {std::string(k_dense) + "window_s = 0\n" + k_mixed,
         "s.toml:4: window_s = 0: expected a number of at least 0.001 and at most 3.6e+09"},
        {std::string(k_dense) + "slo = { ttft_ms = -5 }\n" + k_mixed,
         "s.toml:4: slo.ttft_ms = -5: expected a number of at least 0 and at most 3.6e+12"},
        {std::string(k_dense) + "slo = { tpot_ms = 0.0000005 }\n" + k_mixed,
         "s.toml:4: slo.tpot_ms = 5e-07: expected a whole number of nanoseconds"},
        {std::string(k_dense) + "slo = 500\n" + k_mixed, "s.toml:4: slo = 500: expected a table"},
        {std::string(k_dense) + "description = 1979-05-27\n" + k_mixed,
         "s.toml:4: description = a date: expected a string"},
        {std::string(k_dense) + "[pool]\nrole = 'mixed'\n",
         "s.toml:4: pool = a table: expected [[pool]] with double brackets"},
        {std::string(k_dense) + "pool = [1]\n", "s.toml:4: pool = 1: expected a table"},
    });
}

// What must be there and is not.
TEST(BadScenario, missing_keys) {
    expect_messages({
        {std::string("model = 'Qwen3-8B'\ngpu = 'H20'\n") + k_mixed, "s.toml:1: name is missing: expected a string"},
        {std::string("name = 's'\ngpu = 'H20'\n") + k_mixed,
         "s.toml:1: model is missing: expected " + std::string(k_model_names)},
        {std::string("name = 's'\nmodel = 'Qwen3-8B'\n") + k_mixed,
         "s.toml:3: pool.gpu is missing: expected the name of a GPU here or at the top of the file: " +
             std::string(k_gpu_names)},
        {k_dense,
         "s.toml:1: pool is missing: expected [[pool]] with role = \"mixed\", or two with \"prefill\" and \"decode\""},
        {std::string(k_dense) + "[[pool]]\nname = 'a'\n",
         "s.toml:4: pool.role is missing: expected mixed, prefill or decode"},
        {std::string(k_dense) + k_pair,
         "s.toml:1: transfer is missing: expected a table with gigabits_per_s or gigabytes_per_s and latency_us, the "
         "link between prefill and decode"},
        {std::string(k_dense) + k_pair + "[transfer]\nlatency_us = 5\n",
         "s.toml:8: transfer.gigabytes_per_s is missing: expected a number of at least 0.001 and at most 1e+09"},
        {std::string(k_dense) + k_pair + "[transfer]\ngigabits_per_s = 400\n",
         "s.toml:8: transfer.latency_us is missing: expected a number of at least 0 and at most 3.6e+15"},
        {std::string(k_dense) + "[cost]\nsource = 'linear'\nstep_us = 5\n" + k_mixed,
         "s.toml:4: cost.prefill_token_us is missing: expected a number of at least 0 and at most 3.6e+15"},
    });
}

// Parallelism that the model or the GPU does not allow.
TEST(BadScenario, impossible_parallelism) {
    expect_messages({
        {mixed("parallel = { tensor = 3 }\n"),
         "s.toml:6: pool.parallel.tensor = 3: expected a divisor of the 32 query heads of Llama-3.1-8B"},
        {mixed("parallel = { tensor = 16 }\n"),
         "s.toml:6: pool.parallel.tensor = 16: expected at most 8, the GPUs of one H100-SXM node; spread further with "
         "pipeline, data or replicas"},
        {mixed("parallel = { pipeline = 33 }\n"),
         "s.toml:6: pool.parallel.pipeline = 33: expected at most 32, the layers of Llama-3.1-8B"},
        {mixed("parallel = { expert = 2, tensor = 2 }\n"),
         "s.toml:6: pool.parallel.expert = 2: expected 1: Llama-3.1-8B has no experts"},
        {mixed("parallel = { data = 2 }\n"),
         "s.toml:6: pool.parallel.data = 2: expected 1: Llama-3.1-8B has no experts for its data ranks to share; raise "
         "replicas instead"},
        {moe("parallel = { tensor = 4, expert = 3 }\n"),
         "s.toml:6: pool.parallel.expert = 3: expected 1 or a divisor of tensor x data = 4"},
        {moe("parallel = { tensor = 4, data = 3, expert = 12 }\n"),
         "s.toml:6: pool.parallel.expert = 12: expected a divisor of the 128 experts of Qwen3-30B-A3B"},
        {moe("parallel = { tensor = 1, data = 5 }\n"),
         "s.toml:6: pool.parallel.expert = 1: each expert would be cut into tensor x data / expert = 5 slices: "
         "expected a divisor of its 768 columns"},
        {std::string(k_hybrid) + k_mixed + "parallel = { tensor = 7 }\n",
         "s.toml:6: pool.parallel.tensor = 7: expected a divisor of the 16 query heads of Qwen3-Next-80B-A3B"},
    });
}

// Settings that contradict each other.
TEST(BadScenario, contradictions) {
    expect_messages({
        {mixed("batching = { chunked_prefill = false }\n"),
         "s.toml:6: pool.batching.chunked_prefill = false: a prompt must fit into one step: expected "
         "max_batched_tokens = 8192 to be at least max_context = 131072; raise the one, lower the other or chunk"},
        {mixed("batching = { max_batched_tokens = 128 }\n"),
         "s.toml:6: pool.batching.max_batched_tokens = 128: expected at least max_sequences = 256, one token for each "
         "running sequence"},
        {mixed("max_context = 8192\nbatching = { chunked_prefill = false, long_prefill_threshold = 512 }\n"),
         "s.toml:7: pool.batching.long_prefill_threshold = 512: expected 0 where chunked_prefill is false"},
        {mixed("max_context = 200000\n"),
         "s.toml:6: pool.max_context = 200000: expected at most 131072, the context of Llama-3.1-8B"},
        {std::string(k_dense) + k_mixed + k_mixed,
         "s.toml:4: pool = 2 mixed, 0 prefill, 0 decode: expected one mixed pool, or one prefill and one decode pool"},
        {std::string(k_dense) + "[[pool]]\nrole = 'decode'\n" + k_link,
         "s.toml:4: pool = 0 mixed, 0 prefill, 1 decode: expected one mixed pool, or one prefill and one decode pool"},
        {std::string(k_dense) + "[[pool]]\nrole = 'prefill'\nname = 'a'\n[[pool]]\nrole = 'decode'\nname = 'a'\n" +
             k_link,
         "s.toml:4: pool = \"a\": expected two different names"},
        {std::string(k_dense) + k_pair + "kv = { dtype = 'fp8' }\n" + k_link,
         "s.toml:4: pool = kv.dtype differs: expected one kv.dtype in both pools: the KV cache moves from \"prefill\" "
         "to \"decode\""},
        {std::string(k_dense) + k_mixed + k_link,
         "s.toml:6: transfer = a table: expected none: a mixed pool moves no KV cache"},
        {std::string(k_dense) + k_pair + k_link + "gigabytes_per_s = 50\n",
         "s.toml:11: transfer.gigabytes_per_s = 50: expected either gigabits_per_s or gigabytes_per_s, not both"},
        {std::string(k_dense) + "[cost]\nsource = 'analytic'\nstep_us = 5\n" + k_mixed,
         "s.toml:6: cost.step_us = 5: belongs to source = \"linear\"; remove it or change the source"},
        {std::string(k_dense) +
             "[cost]\nsource = 'linear'\nstep_us = 0\nprefill_token_us = 1\ndecode_sequence_us = 0\n" + k_mixed,
         "s.toml:6: cost.step_us = 0: expected more than 0 unless prefill_token_us and decode_sequence_us are: a step "
         "must take time"},
    });
}

// The network between the pools.
TEST(BadScenario, transfer_settings) {
    const std::string pair = std::string(k_dense) + k_pair + k_link;
    expect_messages({
        {pair + "nics = 0\n", "s.toml:11: transfer.nics = 0: expected an integer from 1 to 64"},
        {pair + "nics = 2.5\n", "s.toml:11: transfer.nics = 2.5: expected an integer from 1 to 64"},
        {pair + "overlap = 'layers'\n",
         "s.toml:11: transfer.overlap = \"layers\": expected none or layerwise; did you mean \"layerwise\"?"},
        {pair + "local_prefill_tokens_max = -1\n",
         "s.toml:11: transfer.local_prefill_tokens_max = -1: expected an integer of at least 0"},
        {pair + "local_prefill_tokens = 100\n",
         "s.toml:11: transfer.local_prefill_tokens: unknown key; did you mean \"local_prefill_tokens_max\"?"},
        {pair + "decode = 4\n", "s.toml:11: transfer.decode = 4: expected a table"},
        {pair + "[transfer.decode]\nnics = 100\n",
         "s.toml:12: transfer.decode.nics = 100: expected an integer from 1 to 64"},
        {pair + "[transfer.decode]\nlatency_us = 5\n",
         "s.toml:12: transfer.decode.latency_us: unknown key; expected nics, gigabits_per_s or gigabytes_per_s"},
        {pair + "[transfer.prefill]\ngigabits_per_s = 400\ngigabytes_per_s = 50\n",
         "s.toml:13: transfer.prefill.gigabytes_per_s = 50: expected either gigabits_per_s or gigabytes_per_s, not "
         "both"},
        {pair + "[transfer.prefill]\ngigabits_per_s = 0.0001\n",
         "s.toml:12: transfer.prefill.gigabits_per_s = 0.0001: expected a number of at least 0.001 and at most 1e+09"},
    });
}

// Settings that the chosen batch policy would not look at, or could not work with.
TEST(BadScenario, settings_of_another_policy) {
    expect_messages({
        {mixed("batching = { watermark = 0.02 }\n"),
         "s.toml:6: pool.batching.watermark = 0.02: belongs to policy = \"vllm\" or \"sarathi\"; remove it or change "
         "the policy"},
        {mixed("batching = { policy = 'sarathi', watermark = 0.6 }\n"),
         "s.toml:6: pool.batching.watermark = 0.6: expected a number of at least 0 and at most 0.5"},
        {mixed("batching = { policy = 'sarathi', chunked_prefill = true }\n"),
         "s.toml:6: pool.batching.chunked_prefill = true: belongs to policy = \"vllm_v1\"; remove it or change the "
         "policy"},
        {mixed("batching = { policy = 'vllm', long_prefill_threshold = 64 }\n"),
         "s.toml:6: pool.batching.long_prefill_threshold = 64: belongs to policy = \"vllm_v1\"; remove it or change "
         "the policy"},
        {mixed("kv = { eviction = 'lru' }\n"),
         "s.toml:6: pool.kv.eviction = \"lru\": belongs to prefix_caching = true; remove it or change the cache"},
        {mixed("router_load_weight = 2\n"),
         "s.toml:6: pool.router_load_weight = 2: belongs to router = \"prefix_aware\"; remove it or change the router"},
        {mixed("router = 'prefix_aware'\n"),
         "s.toml:6: pool.router = \"prefix_aware\": expected kv.prefix_caching = true with it"},
        {std::string(k_dense) + "[[pool]]\nrole = 'prefill'\n[[pool]]\nrole = 'decode'\nrouter = 'prefix_aware'\n" +
             k_link,
         "s.toml:8: pool.router = \"prefix_aware\": expected another router: a decode pool computes no prompts"},
        {mixed("batching = { policy = 'sarathi' }\nkv = { prefix_caching = true }\n"),
         "s.toml:7: pool.kv.prefix_caching = true: expected false unless batching.policy = \"vllm_v1\""},
        {mixed("batching = { policy = 'lightllm' }\n"),
         "s.toml:4: pool.kv.block_tokens = 16: expected 1 with batching.policy = \"lightllm\""},
        {mixed("batching = { policy = 'lightllm' }\nkv = { block_tokens = 1 }\nparallel = { pipeline = 2 }\n"),
         "s.toml:8: pool.parallel.pipeline = 2: expected 1 with batching.policy = \"lightllm\""},
    });
}

// Memory settings that the model or the other settings make meaningless.
TEST(BadScenario, memory_settings) {
    const std::string deepseek = "name = 's'\nmodel = 'DeepSeek-V3'\ngpu = 'H200-SXM'\n[[pool]]\nrole = 'mixed'\n";
    expect_messages({
        {mixed("kv = { dtype = 'fp8', flashmla = true }\n"),
         "s.toml:6: pool.kv.flashmla = true: expected false: the layout is of multi-head latent attention with dtype = "
         "\"fp8\""},
        {deepseek + "kv = { flashmla = true }\n",
         "s.toml:6: pool.kv.flashmla = true: expected false: the layout is of multi-head latent attention with dtype = "
         "\"fp8\""},
        {mixed("parallel = { redundant_experts = 8 }\n"),
         "s.toml:6: pool.parallel.redundant_experts = 8: expected 0: Llama-3.1-8B has no experts"},
        {moe("parallel = { data = 4, expert = 4, redundant_experts = 2 }\n"),
         "s.toml:6: pool.parallel.redundant_experts = 2: with the 128 experts of Qwen3-30B-A3B there are 130: expected "
         "a multiple of expert = 4"},
        {mixed("runtime = { moe = 'deepep_normal' }\n"),
         "s.toml:6: pool.runtime.moe = a DeepEP mode: expected \"fused\": Llama-3.1-8B has no experts"},
        {moe("parallel = { tensor = 4 }\nruntime = { moe = 'deepep_low_latency' }\n"),
         "s.toml:7: pool.runtime.moe = a DeepEP mode: expected \"fused\": DeepEP sends tokens to whole experts, and "
         "here each is cut into 4 slices; set parallel.expert = 4"},
        {mixed("runtime = { draft_layers = 1 }\n"),
         "s.toml:6: pool.runtime.draft_layers = 1: expected at most 0, the multi-token-prediction layers of "
         "Llama-3.1-8B"},
        {deepseek + "runtime = { attention = 'flashinfer' }\n",
         "s.toml:6: pool.runtime.attention = \"flashinfer\": expected \"flash_attention\": the prefill plan is of "
         "grouped-query attention, and DeepSeek-V3 has latent attention"},
        {mixed("runtime = { moe = 'deepep' }\n"),
         "s.toml:6: pool.runtime.moe = \"deepep\": expected fused, tensor, deepep_normal, deepep_low_latency or auto; "
         "did you mean \"deepep_normal\"?"},
        {mixed("runtime = { cudagraphs = false }\n"),
         "s.toml:6: pool.runtime.cudagraphs: unknown key; did you mean \"cuda_graphs\"?"},
        {mixed("kv = { host_gigabytes = -1 }\n"),
         "s.toml:6: pool.kv.host_gigabytes = -1: expected a number of at least 0 and at most 1e+06"},
        {std::string(k_dense) + k_pair + k_link + "dtype = 'int8'\n",
         "s.toml:11: transfer.dtype = \"int8\": expected bf16 or fp8"},
    });
}

// Drafts, and what cannot verify them.
TEST(BadScenario, speculation) {
    const auto with = [](const std::string& table, const std::string& rest = "") {
        return mixed(rest + "speculation = { " + table + " }\n");
    };
    const std::string good = "method = 'ngram', acceptance = 0.5";
    const std::string deepseek = "name = 's'\nmodel = 'DeepSeek-V3'\ngpu = 'H200-SXM'\n[[pool]]\nrole = 'mixed'\n";
    expect_messages({
        {with("method = 'ngram'"),
         "s.toml:6: pool.speculation.acceptance is missing: expected a number of at least 0 and at most 1"},
        {with("acceptance = 1.5"),
         "s.toml:6: pool.speculation.acceptance = 1.5: expected a number of at least 0 and at most 1"},
        {with("acceptance = 0.5, tokens = 17"),
         "s.toml:6: pool.speculation.tokens = 17: expected an integer from 1 to 16"},
        {with("acceptance = 0.5, method = 'eagle'"),
         "s.toml:6: pool.speculation.method = \"eagle\": expected mtp or ngram"},
        {with("acceptance = 0.5, draft = 1"),
         "s.toml:6: pool.speculation.draft: unknown key; expected method, tokens or acceptance"},
        {with("acceptance = 0.5"),
         "s.toml:4: pool.runtime.draft_layers = 0: expected above 0 with [pool.speculation], and Llama-3.1-8B has no "
         "such layers: set method = \"ngram\""},
        {deepseek + "speculation = { acceptance = 0.5 }\n",
         "s.toml:4: pool.runtime.draft_layers = 0: expected 1 to 1 with [pool.speculation], the layers that draft"},
        {with(good, "batching = { policy = 'sarathi' }\n"),
         "s.toml:6: pool.batching.policy = another policy: expected \"vllm_v1\" with [pool.speculation], the policy "
         "that schedules drafts"},
        {with(good, "batching = { asynchronous = true }\n"),
         "s.toml:6: pool.batching.asynchronous = true: expected false with [pool.speculation]: what a step makes is "
         "known when it ends, not one step ahead"},
        {with(good, "parallel = { pipeline = 2 }\n"),
         "s.toml:6: pool.parallel.pipeline = 2: expected 1 with [pool.speculation], whose last stage drafts for the "
         "next step"},
        {std::string(k_dense) + "[[pool]]\nrole = 'prefill'\nspeculation = { " + good +
             " }\n[[pool]]\nrole = 'decode'\n" + k_link,
         "s.toml:5: pool.role = \"prefill\": expected \"mixed\" or \"decode\" with [pool.speculation]: a prefill pool "
         "makes one token of a request"},
    });
}

// How tokens choose experts, and by which kernels they travel.
TEST(BadScenario, expert_routing) {
    const std::string experts =
        "name = 's'\nmodel = 'Eight'\ngpu = 'H100-SXM'\n"
        "models.Eight = { layers = 2, hidden = 1024, vocab = 1000, max_context = 4096, source = 'test', "
        "attention = { kind = 'gqa', q_heads = 8, kv_heads = 8, head_dim = 128 }, "
        "moe = { experts = 8, top_k = 2, ffn = 512 } }\n[[pool]]\nrole = 'mixed'\n";
    const std::string table = experts + "[moe_routing]\n";
    const std::string zipf = table + "law = 'zipf'\n";
    const std::string counted = table + "law = 'histogram'\ncounts = [1, 2, 3, 4, 5, 6, 7, 8]\n";
    expect_messages({
        {std::string(k_dense) + "[moe_routing]\nlaw = 'uniform'\n" + "[[pool]]\nrole = 'mixed'\n",
         "s.toml:5: moe_routing.law = \"uniform\": expected no [moe_routing]: Llama-3.1-8B has no experts"},
        {table + "law = 'zip'\n",
         "s.toml:8: moe_routing.law = \"zip\": expected uniform, zipf or histogram; did you mean \"zipf\"?"},
        {table + "eplb = true\n", "s.toml:7: moe_routing.law is missing: expected uniform, zipf or histogram"},
        {zipf, "s.toml:7: moe_routing.exponent is missing: expected a number above 0 and at most 4"},
        {zipf + "exponent = 0\n", "s.toml:9: moe_routing.exponent = 0: expected a number above 0 and at most 4"},
        {zipf + "exponent = 1\nplan_drift = 0.1\n",
         "s.toml:10: moe_routing.plan_drift = 0.1: belongs to law = \"zipf\" with eplb = true; remove it or change "
         "that"},
        {zipf + "exponent = 1\neplb = true\nplan_drift = 2\n",
         "s.toml:11: moe_routing.plan_drift = 2: expected a number of at least 0 and at most 1"},
        {table + "law = 'uniform'\nexponent = 1\n",
         "s.toml:9: moe_routing.exponent = 1: belongs to law = \"zipf\"; remove it or change that"},
        {zipf + "exponent = 1\ncounts = [1]\n",
         "s.toml:10: moe_routing.counts = an array: belongs to law = \"histogram\"; remove it or change that"},
        {table + "law = 'histogram'\n",
         "s.toml:7: moe_routing.counts is missing: expected an array of one count per expert, or one such array per "
         "layer"},
        {table + "law = 'histogram'\ncounts = 8\n",
         "s.toml:9: moe_routing.counts = 8: expected one count for each of the 8 experts of Eight"},
        {table + "law = 'histogram'\ncounts = [1, 2]\n",
         "s.toml:9: moe_routing.counts = 2 counts: expected one count for each of the 8 experts of Eight"},
        {table + "law = 'histogram'\ncounts = [1, 2, 3, 4, 5, 6, 7, -8]\n",
         "s.toml:9: moe_routing.counts = -8: expected counts of 0 or more"},
        {table + "law = 'histogram'\ncounts = [[0, 0, 0, 0, 0, 0, 0, 0]]\n",
         "s.toml:9: moe_routing.counts = all 0: expected a count above 0 for at least one expert"},
        {counted + "plan_counts = [1, 1, 1, 1, 1, 1, 1, 1]\n",
         "s.toml:10: moe_routing.plan_counts = an array: belongs to law = \"histogram\" with eplb = true; remove it or "
         "change that"},
        {counted + "eplb = true\nplan_counts = [[1, 1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1, 1, 1]]\n",
         "s.toml:11: moe_routing.plan_counts = 2 layers: expected as many layers as counts has, 1"},
        {counted + "count = 1\n", "s.toml:10: moe_routing.count: unknown key; did you mean \"counts\"?"},
        {mixed("runtime = { moe = 'tensor' }\n"),
         "s.toml:6: pool.runtime.moe = \"tensor\": expected \"fused\": Llama-3.1-8B has no experts"},
        {experts + "runtime = { moe_overlap = 'two_batch' }\n",
         "s.toml:7: pool.runtime.moe_overlap = \"two_batch\": belongs to moe = \"deepep_normal\" or "
         "\"deepep_low_latency\"; remove it or change the exchange"},
        {experts + "parallel = { data = 8, expert = 8 }\nruntime = { moe = 'deepep_low_latency', deepep_sms = 24 }\n",
         "s.toml:8: pool.runtime.deepep_sms = 24: belongs to moe = \"deepep_normal\"; remove it or change the "
         "exchange"},
    });
}

// Queues, classes and the host tier: what nothing would look at, or what would have nothing to look at, is refused.
TEST(BadScenario, queues_classes_and_the_host_tier) {
    const std::string first = std::string(k_dense) + "[[slo_class]]\nname = 'fast'\n";
    expect_messages({
        {mixed("batching = { queue = 'sjf' }\n"),
         "s.toml:6: pool.batching.queue = \"sjf\": expected fcfs, priority or shortest_prompt"},
        {mixed("batching = { queue = 'priority' }\n"),
         "s.toml:4: pool = queue is \"priority\" in \"mixed\": expected at least one [[slo_class]] with the priority "
         "of its requests"},
        {std::string(k_dense) + "[slo_class]\nname = 'fast'\n" + k_mixed,
         "s.toml:4: slo_class = a table: expected [[slo_class]] with double brackets"},
        {first + "[[slo_class]]\nname = 'fast'\n" + k_mixed,
         "s.toml:7: slo_class.name = \"fast\": expected each class once"},
        {std::string(k_dense) + "[[slo_class]]\npriority = 1\n" + k_mixed,
         "s.toml:4: slo_class.name is missing: expected a string"},
        {first + "priority = 0.5\n" + k_mixed,
         "s.toml:6: slo_class.priority = 0.5: expected an integer from -1000000 to 1000000"},
        {first + "ttft = 5\n" + k_mixed, "s.toml:6: slo_class.ttft: unknown key; did you mean \"ttft_ms\"?"},
        {mixed("kv = { host_gigabytes = 1 }\n"),
         "s.toml:6: pool.kv.host_gigabytes = 1: belongs to prefix_caching = true; remove it or change the cache"},
        {mixed("kv = { prefix_caching = true, host_latency_us = 1 }\n"),
         "s.toml:6: pool.kv.host_latency_us = 1: belongs to host_gigabytes above 0; remove it or change the host tier"},
    });
}

// Models and GPUs of a user's own.
TEST(BadScenario, models_and_gpus_of_the_file) {
    const std::string experts = "layers = 2\nhidden = 64\nvocab = 100\nmax_context = 512\nsource = 'x'\n";
    const std::string model = experts + "ffn = 128\n";
    expect_messages({
        {std::string("[models.tiny]\n") + model, "s.toml:1: models.tiny.attention is missing: expected a table"},
        {std::string("[models.tiny]\n") + model + "attention = { kind = 'mha', q_heads = 4 }\n",
         "s.toml:8: models.tiny.attention.kind = \"mha\": expected gqa or mla; did you mean \"mla\"?"},
        {std::string("[models.tiny]\n") + model +
             "attention = { kind = 'gqa', q_heads = 4, kv_heads = 3, head_dim = 16 }\n",
         "s.toml:8: models.tiny.attention.kv_heads = 3: expected a divisor of q_heads = 4"},
        {std::string("[models.tiny]\n") + experts + "moe = { experts = 8, top_k = 9, ffn = 64 }\n",
         "s.toml:7: models.tiny.moe.top_k = 9: expected an integer from 1 to 8"},
        {"[models.'a b']\n" + model,
         "s.toml:1: models.a b: expected a name of 1 to 100 letters, digits, '.', '_' or '-'"},
        {"[gpus.toy]\nmemory_bytes = 0\n",
         "s.toml:2: gpus.toy.memory_bytes = 0: expected an integer from 1 to 1125899906842624"},
        {std::string("[models.tiny]\n") + model + "moe = { experts = 8, top_k = 2, ffn = 64 }\n",
         "s.toml:7: models.tiny.ffn: unknown key; expected layers, hidden, vocab, layer_norms, gated_ffn, "
         "tied_embeddings, max_context, mtp_layers, weights, source, attention, linear_attention or moe"},
        {"[gpus.toy]\nmemory_byte = 80\n",
         "s.toml:2: gpus.toy.memory_byte: unknown key; did you mean \"memory_bytes\"?"},
        {"gpus = 5\n", "s.toml:1: gpus = 5: expected a table"},
    });
}

}  // namespace
}  // namespace replayd
