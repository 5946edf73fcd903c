// [autoscale] and [pool.autoscale]: what is read, and what is refused.

#include <gtest/gtest.h>

#include "replay/catalog/scenario_toml.hpp"

namespace replayd {
namespace {

constexpr const char* k_head = "name = 's'\nmodel = 'Llama-3.1-8B'\ngpu = 'H100-SXM'\n";

std::string mixed(const std::string& root, const std::string& pool) {
    return std::string(k_head) + root + "[[pool]]\nrole = 'mixed'\nreplicas = 8\n" + pool;
}

std::string disaggregated(const std::string& root, const std::string& prefill, const std::string& decode) {
    return std::string(k_head) + root +
           "[transfer]\ngigabits_per_s = 400\nlatency_us = 20\n[[pool]]\nrole = 'prefill'\nreplicas = 4\n" + prefill +
           "[[pool]]\nrole = 'decode'\nreplicas = 4\n" + decode;
}

TEST(AutoscaleToml, reads_every_key) {
    const std::string rule = "[pool.autoscale]\nrule = 'utilisation'\ntarget = 0.6\nmin = 2\nstart = 3\n";
    const auto scenario = parse_scenario(
        disaggregated("[autoscale]\ninterval_s = 10\nstartup_s = 90.5\ndown_after_s = 60\ntake_over_s = 20\n", rule,
                      rule),
        "s.toml");
    ASSERT_TRUE(scenario) << scenario.error().message;
    EXPECT_EQ(scenario->autoscale, (AutoscaleSpec{Duration(10 * k_ns_per_s), Duration(90'500 * k_ns_per_ms),
                                                  Duration(60 * k_ns_per_s), Duration(20 * k_ns_per_s)}));
    for (const PoolSpec& pool : scenario->pools) {
        EXPECT_EQ(pool.autoscale, (PoolAutoscaleSpec{AutoscaleRule::utilisation, 0.6, 2, 3}));
    }
}

TEST(AutoscaleToml, without_its_tables_nothing_scales_and_times_have_their_defaults) {
    const auto fixed = parse_scenario(mixed("", ""), "s.toml");
    ASSERT_TRUE(fixed);
    EXPECT_FALSE(fixed->pools[0].autoscale);
    const auto scaling = parse_scenario(mixed("", "[pool.autoscale]\nrule = 'queue'\ntarget = 4\n"), "s.toml");
    ASSERT_TRUE(scaling);
    EXPECT_EQ(scaling->pools[0].autoscale, (PoolAutoscaleSpec{AutoscaleRule::queue, 4, 1, 1}));
    EXPECT_EQ(scaling->autoscale.interval, Duration(15 * k_ns_per_s));
    EXPECT_EQ(scaling->autoscale.take_over, Duration(0));
}

TEST(AutoscaleToml, what_cannot_be_is_refused_by_name) {
    struct Bad {
        std::string toml;
        const char* message;
    };
    const std::string rule = "[pool.autoscale]\nrule = 'queue'\ntarget = 4\n";
    const std::vector<Bad> all = {
        {mixed("", "[pool.autoscale]\nrule = 'que'\ntarget = 4\n"),
         "s.toml:8: pool.autoscale.rule = \"que\": expected utilisation, queue or objective; did you mean \"queue\"?"},
        {mixed("", "[pool.autoscale]\nrule = 'utilisation'\ntarget = 1.5\n"),
         "s.toml:9: pool.autoscale.target = 1.5: expected a number above 0 and at most 1"},
        {mixed("", rule + "min = 9\n"), "s.toml:10: pool.autoscale.min = 9: expected an integer from 1 to 8"},
        {mixed("", rule + "min = 4\nstart = 3\n"),
         "s.toml:11: pool.autoscale.start = 3: expected an integer from 4 to 8"},
        {mixed("[autoscale]\ninterval_s = 10\n", ""),
         "s.toml:4: autoscale = a table: expected [pool.autoscale] in a pool with it: without a rule nothing is "
         "scaled"},
        {mixed("", "[pool.autoscale]\nrule = 'objective'\ntarget = 0.8\n"),
         "s.toml:1: slo.ttft_ms is missing: expected an objective: pool mixed follows autoscale.rule = \"objective\""},
        {mixed("[autoscale]\ntake_over_s = 10\n", rule),
         "s.toml:4: autoscale = a table with take_over_s: expected a prefill and a decode pool, both with "
         "[pool.autoscale] and replicas of as many GPUs of one kind: only such replicas can be exchanged"},
        {disaggregated("[autoscale]\ntake_over_s = 10\n", rule, rule + "[pool.parallel]\ntensor = 2\n"),
         "s.toml:4: autoscale = a table with take_over_s: expected a prefill and a decode pool, both with "
         "[pool.autoscale] and replicas of as many GPUs of one kind: only such replicas can be exchanged"},
    };
    for (const Bad& bad : all) {
        const auto scenario = parse_scenario(bad.toml, "s.toml");
        ASSERT_FALSE(scenario) << bad.message;
        EXPECT_EQ(scenario.error().message, bad.message);
    }
}

}  // namespace
}  // namespace replayd
