// Changing keys of a scenario's text without touching the file.

#include "replay/catalog/scenario_override.hpp"

#include <gtest/gtest.h>

#include "replay/catalog/scenario_toml.hpp"

namespace replayd {
namespace {

constexpr const char* k_pair = R"(name = "s"
model = "Llama-3.1-8B"
gpu = "H100-SXM"
[[pool]]
role = "prefill"
name = "p"
parallel = { tensor = 2 }
[[pool]]
role = "decode"
[transfer]
gigabits_per_s = 400
latency_us = 20
)";

Result<Scenario> with(const std::vector<std::string>& settings) {
    ParseOptions options;
    options.overrides = settings;
    return parse_scenario(k_pair, "s.toml", options);
}

// A pool is named by its name or role, all by "pool"; tables on the way are made; the rest is the document's.
TEST(ScenarioOverride, reaches_every_key) {
    const auto changed =
        with({"p.parallel.tensor=4", "decode.kv.memory_fraction=0.8", "pool.kv.dtype=fp8", "gpu=H200-SXM",
              "slo.ttft_ms=250", "decode.batching.policy=\"vllm\"", "transfer.latency_us=5", "seed=9"});
    ASSERT_TRUE(changed) << changed.error().message;
    EXPECT_EQ(changed->pools[0].parallel.tensor, 4);
    EXPECT_EQ(changed->pools[0].kv.dtype, DataType::fp8);
    EXPECT_EQ(changed->pools[1].kv.dtype, DataType::fp8);
    EXPECT_DOUBLE_EQ(changed->pools[1].kv.memory_fraction, 0.8);
    EXPECT_EQ(changed->pools[1].gpu.name, "H200-SXM");
    EXPECT_EQ(changed->pools[1].batching.policy, BatchPolicyKind::vllm);
    EXPECT_EQ(changed->slo.ttft, Duration(250 * k_ns_per_ms));
    EXPECT_EQ(changed->transfer.latency, Duration(5 * k_ns_per_us));
    EXPECT_EQ(changed->seed, 9U);
    EXPECT_EQ(with({"prefill.parallel.tensor=8"})->pools[0].parallel.tensor, 8) << "by role";
    EXPECT_EQ(with({"p.parallel.tensor=4", "p.parallel.tensor=1"})->pools[0].parallel.tensor, 1) << "the last one wins";
}

// A changed document is validated like a file, and a setting that is none says what is expected.
TEST(ScenarioOverride, is_refused_like_a_file) {
    const auto message = [](const char* setting) {
        const auto changed = with({setting});
        return changed ? std::string("accepted") : changed.error().message;
    };
    EXPECT_EQ(message("p.parallel.tensor=3"),
              "s.toml:7: pool.parallel.tensor = 3: expected a divisor of the 32 query heads of Llama-3.1-8B");
    EXPECT_EQ(message("p.paralel.tensor=4"), "s.toml:4: pool.paralel: unknown key; did you mean \"parallel\"?");
    EXPECT_EQ(message("mixed.parallel.tensor=4"),
              "s.toml:1: mixed: unknown key; expected models, gpus, name, description, model, seed, window_s, slo, "
              "slo_class, drift, transfer, autoscale, cost, gpu, pool, moe_routing or split");
    EXPECT_EQ(message("tensor"), "override \"tensor\": expected KEY=VALUE, such as decode.parallel.tensor=4");
    EXPECT_EQ(message("=4"), "override \"=4\": expected KEY=VALUE, such as decode.parallel.tensor=4");
    EXPECT_EQ(message("seed="), "override \"seed=\": expected KEY=VALUE, such as decode.parallel.tensor=4");
    EXPECT_EQ(message("p..tensor=4"), "override \"p..tensor=4\": expected a key with a dot between its parts");
    EXPECT_EQ(message("model.layers=4"), "override \"model.layers=4\": expected a key of a table before \"layers\"");
}

}  // namespace
}  // namespace replayd
