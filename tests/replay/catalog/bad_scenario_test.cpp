// Wrong scenario files and the exact message of each: what a person sees who made that mistake.

#include "tests/replay/catalog/bad_scenarios.hpp"

namespace replayd::catalog_test {
namespace {

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

}  // namespace
}  // namespace replayd::catalog_test
