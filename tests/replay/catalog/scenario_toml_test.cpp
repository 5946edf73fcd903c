#include "replay/catalog/scenario_toml.hpp"
#include "tests/source_paths.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace replayd {
namespace {

constexpr std::string_view k_full = R"(
name = "pair"
description = "one prefill, two decode"
model = "Qwen3-235B-A22B"
gpu = "H200-SXM"
seed = 7
window_s = 2.5

[slo]
ttft_ms = 500
tpot_ms = 12.5

[[pool]]
name = "d"
role = "decode"
replicas = 2
router = "least_tokens"
weights = "fp8"
max_context = 32768
gpu = "H20"
  [pool.parallel]
  tensor = 4
  data = 2
  expert = 8
  redundant_experts = 16
  [pool.batching]
  policy = "vllm_v1"
  max_batched_tokens = 1024
  max_sequences = 128
  [pool.runtime]
  cuda_graphs = false
  graph_tokens_max = 128
  moe = "deepep_low_latency"
  masked_tokens_max = 64
  attention = "flashinfer"
  shared_workspace = false
  [pool.kv]
  prefix_caching = true
  host_gigabytes = 1.5
  host_gigabytes_per_s = 25
  host_latency_us = 10
  block_tokens = 64
  memory_fraction = 0.85
  num_blocks = 1000
  dtype = "fp8"

[[pool]]
role = "prefill"
  [pool.parallel]
  tensor = 4
  pipeline = 2
  expert = 4
  [pool.batching]
  long_prefill_threshold = 2048
  [pool.kv]
  dtype = "fp8"

[transfer]
gigabits_per_s = 400
latency_us = 12.5
dtype = "bf16"
nics = 4
overlap = "layerwise"
local_prefill_tokens_max = 256
decode = { nics = 8 }
prefill = { gigabytes_per_s = 25 }

[cost]
source = "linear"
step_us = 1000
prefill_token_us = 10.5
decode_sequence_us = 20
)";

// Every key of the schema reaches its field, in its unit; pools come prefill first.
TEST(ParseScenario, reads_every_key) {
    const auto parsed = parse_scenario(k_full, "full.toml");
    ASSERT_TRUE(parsed) << parsed.error().message;
    const Scenario& s = *parsed;
    EXPECT_EQ(s.name, "pair");
    EXPECT_EQ(s.description, "one prefill, two decode");
    EXPECT_EQ(s.model.name, "Qwen3-235B-A22B");
    EXPECT_EQ(s.seed, 7U);
    EXPECT_EQ(s.window, Duration(2'500'000'000));
    EXPECT_EQ(s.slo.ttft, Duration(500'000'000));
    EXPECT_EQ(s.slo.tpot, Duration(12'500'000));
    EXPECT_DOUBLE_EQ(s.transfer.bytes_per_s, 50e9);
    EXPECT_EQ(s.transfer.latency, Duration(12'500));
    EXPECT_EQ(s.transfer.cards(PoolRole::prefill).count, 4);
    EXPECT_DOUBLE_EQ(s.transfer.cards(PoolRole::prefill).bytes_per_s, 25e9);
    EXPECT_EQ(s.transfer.cards(PoolRole::decode).count, 8);
    EXPECT_DOUBLE_EQ(s.transfer.cards(PoolRole::decode).bytes_per_s, 50e9);
    EXPECT_EQ(s.transfer.overlap, TransferOverlap::layerwise);
    EXPECT_EQ(s.transfer.local_prefill_tokens_max, Tokens(256));
    EXPECT_EQ(s.cost, CostSource::linear);
    EXPECT_EQ(s.linear.step, Duration(1'000'000));
    EXPECT_EQ(s.linear.prefill_token, Duration(10'500));
    EXPECT_EQ(s.linear.decode_sequence, Duration(20'000));
    ASSERT_TRUE(s.disaggregated());

    const PoolSpec& prefill = s.pools[0];
    EXPECT_EQ(prefill.role, PoolRole::prefill);
    EXPECT_EQ(prefill.name, "prefill");
    EXPECT_EQ(prefill.gpu.name, "H200-SXM");
    EXPECT_EQ(prefill.parallel.pipeline, 2);
    EXPECT_EQ(prefill.parallel.gpus(), 8);
    EXPECT_EQ(prefill.batching.long_prefill_threshold, Tokens(2048));
    EXPECT_EQ(prefill.weights, DataType::bf16);

    const PoolSpec& decode = s.pools[1];
    EXPECT_EQ(decode.role, PoolRole::decode);
    EXPECT_EQ(decode.name, "d");
    EXPECT_EQ(decode.gpu.name, "H20");
    EXPECT_EQ(decode.replicas, 2);
    EXPECT_EQ(decode.router, RouterKind::least_tokens);
    EXPECT_EQ(decode.weights, DataType::fp8);
    EXPECT_EQ(decode.max_context, Tokens(32768));
    EXPECT_EQ(decode.parallel.tensor, 4);
    EXPECT_EQ(decode.parallel.data, 2);
    EXPECT_EQ(decode.parallel.expert, 8);
    EXPECT_EQ(decode.batching.max_batched_tokens, Tokens(1024));
    EXPECT_EQ(decode.batching.max_sequences, 128);
    EXPECT_EQ(decode.kv.block, Tokens(64));
    EXPECT_DOUBLE_EQ(decode.kv.memory_fraction, 0.85);
    EXPECT_EQ(decode.kv.num_blocks, 1000);
    EXPECT_EQ(decode.kv.dtype, DataType::fp8);
    EXPECT_EQ(decode.kv.host, Bytes(1'500'000'000));
    EXPECT_DOUBLE_EQ(decode.kv.host_bytes_per_s, 25e9);
    EXPECT_EQ(decode.kv.host_latency, Duration(10'000));
    EXPECT_EQ(decode.parallel.redundant_experts, 16);
    EXPECT_FALSE(decode.runtime.cuda_graphs);
    EXPECT_EQ(decode.runtime.graph_tokens_max, 128);
    EXPECT_EQ(decode.runtime.moe, MoeBackend::deepep_low_latency);
    EXPECT_EQ(decode.runtime.masked_tokens_max, 64);
    EXPECT_EQ(decode.runtime.attention, AttentionBackend::flashinfer);
    EXPECT_FALSE(decode.runtime.shared_workspace);
    EXPECT_EQ(s.transfer.dtype, DataType::bf16);
}

// The defaults are those that scenario.hpp and README.md state.
TEST(ParseScenario, leaves_the_stated_defaults) {
    const auto parsed =
        parse_scenario("name='s'\nmodel='Llama-3.1-8B'\ngpu='H100-SXM'\n[[pool]]\nrole='mixed'", "s.toml");
    ASSERT_TRUE(parsed) << parsed.error().message;
    ASSERT_EQ(parsed->pools.size(), 1U);
    const PoolSpec& pool = parsed->pools[0];
    EXPECT_EQ(pool.name, "mixed");
    EXPECT_EQ(pool.replicas, 1);
    EXPECT_EQ(pool.parallel.gpus(), 1);
    EXPECT_EQ(pool.batching.max_batched_tokens, Tokens(8192));
    EXPECT_EQ(pool.batching.max_sequences, 256);
    EXPECT_TRUE(pool.batching.chunked_prefill);
    EXPECT_EQ(pool.kv.block, Tokens(16));
    EXPECT_DOUBLE_EQ(pool.kv.memory_fraction, 0.9);
    EXPECT_FALSE(pool.kv.num_blocks);
    EXPECT_EQ(pool.router, RouterKind::least_outstanding);
    EXPECT_EQ(pool.max_context, Tokens(131072));
    EXPECT_EQ(parsed->window, Duration(10 * k_ns_per_s));
    EXPECT_EQ(parsed->cost, CostSource::analytic);
}

// Every batch policy and the added router are chosen by name; the watermark reaches its field.
TEST(ParseScenario, reads_every_policy) {
    const auto pool = [](const std::string& rest) {
        const auto parsed = parse_scenario(
            "name='s'\nmodel='Llama-3.1-8B'\ngpu='H100-SXM'\n[[pool]]\nrole='mixed'\n" + rest, "s.toml");
        EXPECT_TRUE(parsed) << parsed.error().message;
        return parsed.value().pools.at(0);
    };
    const std::pair<const char*, BatchPolicyKind> names[] = {
        {"vllm_v1", BatchPolicyKind::vllm_v1},
        {"vllm", BatchPolicyKind::vllm},
        {"sarathi", BatchPolicyKind::sarathi},
        {"orca", BatchPolicyKind::orca},
        {"faster_transformer", BatchPolicyKind::faster_transformer},
        {"lightllm", BatchPolicyKind::lightllm}};
    for (const auto& [name, kind] : names) {
        const std::string kv = kind == BatchPolicyKind::lightllm ? "kv = { block_tokens = 1 }\n" : "";
        EXPECT_EQ(pool("batching = { policy = '" + std::string(name) + "' }\n" + kv).batching.policy, kind);
    }
    EXPECT_DOUBLE_EQ(pool("batching = { policy = 'vllm', watermark = 0.05 }\n").batching.watermark, 0.05);
    EXPECT_DOUBLE_EQ(pool("batching = { policy = 'sarathi', watermark = 0 }\n").batching.watermark, 0);
    EXPECT_EQ(pool("router = 'lor'\n").router, RouterKind::lor);
    EXPECT_EQ(pool("router = 'vllm_balancer'\n").router, RouterKind::vllm_balancer);
    EXPECT_EQ(pool("router = 'session_affinity'\n").router, RouterKind::session_affinity);
    const PoolSpec cached = pool("router = 'prefix_aware'\nrouter_match_weight = 2\nrouter_load_weight = 0\n"
                                 "kv = { prefix_caching = true, eviction = 'lru' }\n");
    EXPECT_EQ(cached.router, RouterKind::prefix_aware);
    EXPECT_DOUBLE_EQ(cached.router_match_weight, 2);
    EXPECT_DOUBLE_EQ(cached.router_load_weight, 0);
    EXPECT_TRUE(cached.kv.prefix_caching);
    EXPECT_EQ(cached.kv.eviction, EvictionKind::lru);
}

// A file may bring its own model and GPU; they are known inside that file only.
TEST(ParseScenario, reads_models_and_gpus_of_its_own_file) {
    const std::string toml = R"(
name = "own"
model = "tiny"
gpu = "toy"
[models.tiny]
layers = 2
hidden = 64
vocab = 100
ffn = 128
max_context = 512
source = "a test"
attention = { kind = "gqa", q_heads = 4, kv_heads = 2, head_dim = 16, qkv_bias = true }
[gpus.toy]
memory_bytes = 1000000000
hbm_gigabytes_per_s = 100
bf16_teraflops = 1
sm_count = 1
pcie_gigabytes_per_s = 10
nic_gigabytes_per_s = 1
gpus_per_node = 2
source = "a test"
[[pool]]
role = "mixed"
parallel = { tensor = 2 }
)";
    const auto parsed = parse_scenario(toml, "own.toml");
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->model.attention.head_dim, 16);
    EXPECT_TRUE(parsed->model.attention.qkv_bias);
    EXPECT_EQ(parsed->pools[0].gpu.memory, Bytes(1'000'000'000));
    EXPECT_FALSE(Catalog::built_in().model("tiny"));
}

// A user's catalog file lays over the built-in one, and a broken file changes nothing.
TEST(Catalog, add_overrides_and_is_all_or_nothing) {
    Catalog catalog = Catalog::built_in();
    const std::string gpu = R"([gpus.H20]
memory_bytes = 150000000000
hbm_gigabytes_per_s = 4800
bf16_teraflops = 148
sm_count = 78
pcie_gigabytes_per_s = 64
nic_gigabytes_per_s = 50
gpus_per_node = 8
source = "the 141 GB model")";
    ASSERT_TRUE(catalog.add(gpu, "user.toml"));
    EXPECT_EQ(catalog.gpu("H20")->memory, Bytes(150'000'000'000));
    EXPECT_EQ(catalog.gpu_names().size(), Catalog::built_in().gpu_names().size());

    const auto broken = catalog.add("[gpus.H20]\nmemory_bytes = -1\n", "user.toml");
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().message,
              "user.toml:2: gpus.H20.memory_bytes = -1: expected an integer from 1 to 1125899906842624");
    EXPECT_EQ(catalog.gpu("H20")->memory, Bytes(150'000'000'000));
}

// Names outside the catalog come back with all names and the nearest one.
TEST(Catalog, names_the_nearest_entry) {
    const auto gpu = Catalog::built_in().gpu("H10-SXM");
    ASSERT_FALSE(gpu);
    EXPECT_EQ(gpu.error().code, Code::not_found);
    EXPECT_EQ(gpu.error().message,
              "GPU \"H10-SXM\" is not in the catalog: expected A100-SXM-80GB, B200, H100-SXM, H20, H200-SXM, H800, "
              "RTX-4090 or RTX-PRO-6000; did you mean \"H100-SXM\"?");
    EXPECT_EQ(Catalog::built_in().model_names(),
              (std::vector<std::string>{"DeepSeek-V3", "Llama-3-70B", "Llama-3.1-8B", "Mixtral-8x7B", "OLMoE-1B-7B",
                                        "Qwen3-235B-A22B",
                                        "Qwen3-30B-A3B", "Qwen3-32B", "Qwen3-8B", "Qwen3-Next-80B-A3B", "Step-3"}));
}

// The example that the README shows is a valid file.
TEST(ParseScenario, accepts_the_example_of_the_readme) {
    std::ifstream file(REPLAYD_SOURCE_DIR "/replay/catalog/README.md");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const std::size_t begin = text.find("```toml\n");
    ASSERT_NE(begin, std::string::npos);
    const std::size_t first = begin + std::string_view("```toml\n").size();
    const auto parsed = parse_scenario(text.substr(first, text.find("```", first) - first), "README.md");
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_TRUE(parsed->disaggregated());
}

// What a class does not state is the scenario's; requests without a class of their own come behind all others.
TEST(ScenarioToml, classes_inherit_objectives_and_others_come_last) {
    const std::string head =
        "name = 's'\nmodel = 'Llama-3.1-8B'\ngpu = 'H100-SXM'\n[slo]\nttft_ms = 500\ntpot_ms = 50\n";
    const std::string classes =
        "[[slo_class]]\nname = 'batch'\npriority = 7\nttft_ms = 0\n[[slo_class]]\nname = 'fast'\nttft_ms = 100\n";
    const std::string pool = "[[pool]]\nrole = 'mixed'\nbatching = { queue = 'priority' }\n";
    const auto scenario = parse_scenario(head + classes + pool, "s.toml");
    ASSERT_TRUE(scenario) << scenario.error().message;
    EXPECT_EQ(scenario->pools[0].batching.queue, QueueOrder::priority);
    ASSERT_EQ(scenario->slo_classes.size(), 3);
    const SloClass& batch = scenario->slo_classes[0];
    EXPECT_EQ(batch.name, "batch");
    EXPECT_EQ(batch.priority, 7);
    EXPECT_EQ(batch.slo.ttft, Duration(0)) << "no objective";
    EXPECT_EQ(batch.slo.tpot, Duration(50 * k_ns_per_ms));
    EXPECT_EQ(scenario->slo_classes[1].slo.ttft, Duration(100 * k_ns_per_ms));
    EXPECT_EQ(scenario->slo_classes[1].priority, 0);
    EXPECT_EQ(scenario->slo_classes[2].name, "default");
    EXPECT_EQ(scenario->slo_classes[2].priority, 8);
    EXPECT_EQ(scenario->slo_classes[2].slo.ttft, Duration(500 * k_ns_per_ms));

    const auto own = parse_scenario(head + "[[slo_class]]\nname = 'default'\npriority = -1\n" + pool, "s.toml");
    ASSERT_TRUE(own) << own.error().message;
    ASSERT_EQ(own->slo_classes.size(), 1);
    EXPECT_EQ(own->slo_classes[0].priority, -1);
}

}  // namespace
}  // namespace replayd
