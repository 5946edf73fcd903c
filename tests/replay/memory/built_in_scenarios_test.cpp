// The scenarios that ship with replayd: each parses, fits, and compares with its partner.

#include <gtest/gtest.h>

#include <iostream>
#include <set>

#include "replay/catalog/scenario_toml.hpp"
#include "replay/memory/memory_plan.hpp"

namespace replayd {
namespace {

/// Room below which a scenario is a demonstration of queueing, not of the cluster.
constexpr std::int64_t k_kv_tokens_least = 100'000;

Scenario built_in(const std::string& name) {
    const auto found = built_in_scenarios().find(name);
    EXPECT_NE(found, built_in_scenarios().end()) << name;
    auto parsed = parse_scenario(found->second, name + ".toml");
    EXPECT_TRUE(parsed) << parsed.error().message;
    return std::move(*parsed);
}

std::int64_t gpus(const Scenario& scenario) {
    std::int64_t total = 0;
    for (const PoolSpec& pool : scenario.pools) total += pool.replicas * pool.gpus_per_replica();
    return total;
}

// Each file parses under its own name, states objectives, and has room for a useful KV cache in every pool.
TEST(BuiltInScenarios, parse_and_fit) {
    ASSERT_GE(built_in_scenarios().size(), 24U);
    for (const auto& [name, toml] : built_in_scenarios()) {
        SCOPED_TRACE(name);
        const Scenario scenario = built_in(name);
        EXPECT_EQ(scenario.name, name);
        EXPECT_FALSE(scenario.description.empty());
        EXPECT_GT(scenario.slo.ttft, Duration(0));
        EXPECT_GT(scenario.slo.tpot, Duration(0));
        const auto plans = plan_memory(scenario);
        ASSERT_TRUE(plans) << plans.error().message;
        for (std::size_t i = 0; i < plans->size(); ++i) {
            const std::int64_t tokens = (*plans)[i].blocks * scenario.pools[i].kv.block.value;
            EXPECT_GE(tokens, k_kv_tokens_least) << (*plans)[i].pool;
            std::cout << name << ' ' << (*plans)[i].pool << ": KV tokens " << tokens << '\n';
        }
    }
}

// A mixed and a PD scenario of one name use the same model, GPU, GPU count and objectives.
TEST(BuiltInScenarios, pairs_compare) {
    for (const auto& [name, toml] : built_in_scenarios()) {
        if (!name.ends_with("-mixed")) continue;
        SCOPED_TRACE(name);
        const Scenario mixed = built_in(name);
        const Scenario split = built_in(name.substr(0, name.size() - 5) + "pd");
        EXPECT_FALSE(mixed.disaggregated());
        EXPECT_TRUE(split.disaggregated());
        EXPECT_EQ(gpus(mixed), gpus(split));
        EXPECT_EQ(mixed.model.name, split.model.name);
        for (const PoolSpec& pool : split.pools) EXPECT_EQ(pool.gpu.name, mixed.pools[0].gpu.name);
        EXPECT_EQ(mixed.slo.ttft, split.slo.ttft);
        EXPECT_EQ(mixed.slo.tpot, split.slo.tpot);
    }
}

// Mixed, PD and AFD of one model stand on the same GPUs with the same objectives and the same prefill pool.
TEST(BuiltInScenarios, afd_compares_with_mixed_and_pd) {
    const Scenario mixed = built_in("deepseek-v3-h800-mixed");
    const Scenario split = built_in("deepseek-v3-h800-pd");
    const Scenario afd = built_in("deepseek-v3-h800-afd");
    EXPECT_TRUE(afd.pools.back().afd);
    EXPECT_EQ(gpus(afd), 64);
    EXPECT_EQ(gpus(afd), gpus(mixed));
    EXPECT_EQ(gpus(afd), gpus(split));
    EXPECT_EQ(afd.slo.ttft, mixed.slo.ttft);
    EXPECT_EQ(afd.slo.tpot, mixed.slo.tpot);
    EXPECT_EQ(afd.pools.front().parallel.gpus(), split.pools.front().parallel.gpus());
    EXPECT_EQ(afd.transfer.bytes_per_s, split.transfer.bytes_per_s);
}

// The models and GPUs that a first look is about are all there.
TEST(BuiltInScenarios, cover_the_models_and_gpus) {
    std::set<std::string> models;
    std::set<std::string> names;
    for (const auto& [name, toml] : built_in_scenarios()) {
        const Scenario scenario = built_in(name);
        models.insert(scenario.model.name);
        names.insert(scenario.pools[0].gpu.name);
    }
    EXPECT_EQ(models, (std::set<std::string>{"DeepSeek-V3", "Llama-3-70B", "Llama-3.1-8B", "Qwen3-235B-A22B",
                                             "Qwen3-30B-A3B", "Qwen3-Next-80B-A3B", "Step-3"}));
    EXPECT_EQ(names, (std::set<std::string>{"A100-SXM-80GB", "B200", "H100-SXM", "H20", "H200-SXM", "H800"}));
}

// The two of the demo run on four GPUs.
TEST(BuiltInScenarios, demo_pair_uses_four_gpus) {
    EXPECT_EQ(gpus(built_in("llama-3.1-8b-h100-mixed")), 4);
    EXPECT_EQ(gpus(built_in("llama-3.1-8b-h100-pd")), 4);
}

}  // namespace
}  // namespace replayd
