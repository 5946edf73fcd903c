#include "replay/catalog/moe_toml.hpp"

#include <string>

#include <gtest/gtest.h>

#include "replay/catalog/scenario_toml.hpp"

namespace replayd {
namespace {

Scenario parsed(const std::string& rest) {
    const std::string head = "name = 's'\nmodel = 'DeepSeek-V3'\ngpu = 'H800'\n[[pool]]\nrole = 'mixed'\n";
    auto scenario = parse_scenario(head + rest, "s.toml");
    if (!scenario) {
        ADD_FAILURE() << scenario.error().message;
        return {};
    }
    return *scenario;
}

// What alibaba/rtp-llm chooses where no DeepEP flag is set (specification, section 9).
TEST(MoeToml, auto_stands_for_the_exchange_of_the_pool) {
    using enum MoeBackend;
    const ParallelSpec one, sliced{.tensor = 8}, all{.tensor = 8, .expert = 8}, wide{.data = 32, .expert = 32};
    for (const PoolRole role : {PoolRole::mixed, PoolRole::prefill, PoolRole::decode}) {
        for (const ParallelSpec& parallel : {one, sliced, all}) {
            EXPECT_EQ(automatic_moe_backend(role, parallel), tensor);
        }
    }
    EXPECT_EQ(automatic_moe_backend(PoolRole::mixed, wide), deepep_normal);
    EXPECT_EQ(automatic_moe_backend(PoolRole::prefill, wide), deepep_normal);
    EXPECT_EQ(automatic_moe_backend(PoolRole::decode, wide), deepep_low_latency);
    EXPECT_EQ(parsed("parallel = { data = 32, expert = 32 }\nruntime = { moe = 'auto' }\n").pools[0].runtime.moe,
              deepep_normal);
}

TEST(MoeToml, settings_of_the_exchange_are_read) {
    const RuntimeSpec runtime =
        parsed("parallel = { data = 32, expert = 32 }\n"
               "runtime = { moe = 'deepep_normal', moe_overlap = 'two_batch', deepep_sms = 24, moe_strategy = 'x' }\n")
            .pools[0]
            .runtime;
    EXPECT_EQ(runtime.moe_overlap, MoeOverlap::two_batch);
    EXPECT_EQ(runtime.deepep_sms, 24);
    EXPECT_EQ(runtime.moe_strategy, "x");
}

TEST(MoeToml, routing_reaches_every_pool) {
    std::string ones = "[1";
    for (int i = 1; i < 256; ++i) ones += ", " + std::to_string(i + 1);
    ones += "]";
    const MoeRoutingSpec counted = parsed("[moe_routing]\nlaw = 'histogram'\neplb = true\ncounts = [" + ones + ", " +
                                          ones + "]\nplan_counts = [" + ones + ", " + ones + "]\n")
                                       .pools[0]
                                       .moe_routing;
    EXPECT_TRUE(counted.eplb);
    ASSERT_EQ(counted.counts.size(), 2U);
    EXPECT_EQ(counted.counts[1][255], 256);
    EXPECT_EQ(counted.plan_counts, counted.counts);
    const MoeRoutingSpec zipf =
        parsed("[moe_routing]\nlaw = 'zipf'\nexponent = 0.6\neplb = true\nplan_drift = 0.25\n").pools[0].moe_routing;
    EXPECT_EQ(zipf.exponent, 0.6);
    EXPECT_EQ(zipf.plan_drift, 0.25);
    EXPECT_EQ(parsed("").pools[0].moe_routing, MoeRoutingSpec{});
}

}  // namespace
}  // namespace replayd
