// Settings of pools, models and GPUs that contradict each other or leave their range, and the exact message of each.

#include "tests/replay/catalog/bad_scenarios.hpp"

namespace replayd::catalog_test {
namespace {

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
}  // namespace replayd::catalog_test
