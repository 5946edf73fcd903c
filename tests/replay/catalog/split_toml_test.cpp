// [split]: one template becomes a prefill and a decode pool; what it expands to, and the message of each mistake.

#include "replay/catalog/split_toml.hpp"

#include <gtest/gtest.h>

#include "replay/catalog/scenario_toml.hpp"
#include "tests/replay/catalog/bad_scenarios.hpp"

namespace replayd {
namespace {

// Lines 1 to 3; a case begins at line 4.
constexpr const char* k_head = "name = 's'\nmodel = 'Qwen3-235B-A22B'\ngpu = 'H200-SXM'\n";
constexpr const char* k_pool = "[[pool]]\nmax_context = 8192\nparallel = { tensor = 4 }\n";
constexpr const char* k_link = "[transfer]\ngigabits_per_s = 400\nlatency_us = 20\n";

std::string text(const std::string& split, const std::string& pool = k_pool) {
    return k_head + split + pool + k_link;
}

/// Halves go up, both pools have a replica, and a decimal ratio is taken as the decimal that was written.
TEST(PrefillReplicas, are_rounded_as_stated) {
    struct Case {
        std::int64_t replicas;
        double ratio;
        std::int64_t half_up, truncate;
    };
    // 100 × 0.29 is 28.999… in doubles and 10 × 0.35 is 3.5: where SimAI truncates, the one loses a replica.
    for (const Case& c : {Case{8, 0.25, 2, 2},
                          {3, 0.5, 2, 1},
                          {5, 0.33, 2, 1},
                          {100, 0.29, 29, 28},
                          {10, 0.35, 4, 3},
                          {1'000, 0.0145, 15, 14},
                          {4, 1e-9, 1, 0},
                          {4, 0.999999, 3, 3},
                          {2, 0.9, 1, 1}}) {
        EXPECT_EQ(prefill_replicas(c.replicas, c.ratio, SplitRounding::half_up), c.half_up)
            << c.replicas << " × " << c.ratio;
        EXPECT_EQ(prefill_replicas(c.replicas, c.ratio, SplitRounding::truncate), c.truncate)
            << c.replicas << " × " << c.ratio;
    }
}

// Each phase has the template's keys but those of its own table, sub-tables key by key.
TEST(Split, lays_each_phase_over_the_template) {
    const auto parsed = parse_scenario(text("[split]\nreplicas = 8\nprefill_ratio = 0.25\n"
                                            "[split.prefill]\nparallel = { data = 2, expert = 8 }\n"
                                            "[split.decode]\nname = 'd'\ngpu = 'H20'\nparallel.tensor = 2\n"),
                                       "s.toml");
    ASSERT_TRUE(parsed) << parsed.error().message;
    ASSERT_EQ(parsed->pools.size(), 2U);
    const PoolSpec& prefill = parsed->pools[0];
    const PoolSpec& decode = parsed->pools[1];
    EXPECT_EQ(prefill.role, PoolRole::prefill);
    EXPECT_EQ(prefill.name, "prefill");
    EXPECT_EQ(prefill.replicas, 2);
    EXPECT_EQ(prefill.gpu.name, "H200-SXM");
    EXPECT_EQ(prefill.parallel.tensor, 4) << "the template's";
    EXPECT_EQ(prefill.parallel.data, 2);
    EXPECT_EQ(prefill.parallel.expert, 8) << "tensor x data of the phase itself (D1)";
    EXPECT_EQ(decode.role, PoolRole::decode);
    EXPECT_EQ(decode.name, "d");
    EXPECT_EQ(decode.replicas, 6);
    EXPECT_EQ(decode.gpu.name, "H20");
    EXPECT_EQ(decode.parallel.tensor, 2);
    EXPECT_EQ(decode.parallel.expert, 1);
    EXPECT_EQ(decode.max_context, Tokens(8192));
}

// The number itself may be stated, and a split is changed from outside like any scenario.
TEST(Split, is_reached_by_overrides) {
    const std::vector<std::string> settings = {"split.prefill_replicas=3", "prefill.parallel.tensor=1",
                                               "pool.max_context=4096", "decode.name=d", "d.parallel.tensor=2"};
    const auto parsed = parse_scenario(text("[split]\nreplicas = 8\n"), "s.toml", ParseOptions{.overrides = settings});
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->pools[0].replicas, 3);
    EXPECT_EQ(parsed->pools[1].replicas, 5);
    EXPECT_EQ(parsed->pools[0].parallel.tensor, 1);
    EXPECT_EQ(parsed->pools[1].parallel.tensor, 2);
    EXPECT_EQ(parsed->pools[1].max_context, Tokens(4096));
}

// Every mistake has one message with the line, the value and the way out.
TEST(Split, refuses_by_name) {
    constexpr const char* k_ratio =
        ": expected a number above 0 and below 1; where every replica does both, leave [split] out and give the "
        "[[pool]] role = \"mixed\"";
    const std::string eight = "[split]\nreplicas = 8\n";
    const std::string half = eight + "prefill_ratio = 0.5\n";
    const std::vector<catalog_test::BadCase> cases = {
        {text("split = 8\n"), "s.toml:4: split = 8: expected a table"},
        {text("[split]\nprefill_ratio = 0.5\n"),
         "s.toml:4: split.replicas is missing: expected an integer from 2 to 10000"},
        {text("[split]\nreplicas = 1\nprefill_ratio = 0.5\n"),
         "s.toml:5: split.replicas = 1: expected an integer from 2 to 10000"},
        {text(eight),
         "s.toml:4: split.prefill_ratio is missing: expected the share of the replicas that prefills, above 0 "
         "and below 1, or prefill_replicas"},
        {text(eight + "prefill_ratio = 1\n"), std::string("s.toml:6: split.prefill_ratio = 1") + k_ratio},
        {text(eight + "prefill_ratio = 0\n"), std::string("s.toml:6: split.prefill_ratio = 0") + k_ratio},
        {text(eight + "prefill_ratio = -0.5\n"), std::string("s.toml:6: split.prefill_ratio = -0.5") + k_ratio},
        {text(eight + "prefill_ratio = nan\n"), std::string("s.toml:6: split.prefill_ratio = nan") + k_ratio},
        {text(eight + "prefill_ratio = '1:3'\n"), std::string("s.toml:6: split.prefill_ratio = \"1:3\"") + k_ratio},
        {text(eight + "prefill_replicas = 8\n"),
         "s.toml:6: split.prefill_replicas = 8: expected an integer from 1 to 7"},
        {text(eight + "prefill_replicas = 0\n"),
         "s.toml:6: split.prefill_replicas = 0: expected an integer from 1 to 7"},
        {text(half + "prefill_replicas = 3\n"),
         "s.toml:6: split.prefill_ratio = 0.5: expected none beside prefill_replicas, which states the number itself"},
        {text(eight + "prefill_replicas = 3\nrounding = 'half_up'\n"),
         "s.toml:7: split.rounding = \"half_up\": expected none beside prefill_replicas, which states the number "
         "itself"},
        {text(half + "rounding = 'floor'\n"), "s.toml:7: split.rounding = \"floor\": expected half_up or truncate"},
        {text(eight + "prefill_ratio = 0.1\nrounding = 'truncate'\n"),
         "s.toml:6: split.prefill_ratio = 0.1: of 8 replicas is less than one: expected a greater ratio, or rounding = "
         "\"half_up\""},
        {text("[spilt]\nreplicas = 8\n", "[[pool]]\nrole = 'mixed'\n"),
         "s.toml:4: spilt: unknown key; did you mean \"split\"?"},
        {text(eight + "prefil_ratio = 0.5\n"),
         "s.toml:6: split.prefil_ratio: unknown key; did you mean \"prefill_ratio\"?"},
        {text(half + "prefill = { replicas = 3 }\n"),
         "s.toml:7: split.prefill.replicas = 3: expected none here: it follows from [split]"},
        {text(half + "decode = { role = 'prefill' }\n"),
         "s.toml:7: split.decode.role = \"prefill\": expected none here: it follows from [split]"},
        {text(half + "decode = 4\n"), "s.toml:7: split.decode = 4: expected a table"},
        {k_head + half + k_link,
         "s.toml:1: pool is missing: expected one [[pool]] beside [split], what both pools have in common"},
        {text(half, std::string(k_pool) + k_pool),
         "s.toml:7: pool = 2 tables: expected one [[pool]] beside [split], what both pools have in common"},
        {text(half, "[[pool]]\nrole = 'mixed'\n"),
         "s.toml:8: pool.role = \"mixed\": expected none beside [split], from which it follows"},
        {text(half, "[[pool]]\nreplicas = 8\n"),
         "s.toml:8: pool.replicas = 8: expected none beside [split], from which it follows"},
        {text(half, "[[pool]]\nname = 'p'\n"),
         "s.toml:8: pool.name = \"p\": expected none beside [split]: name the pools in [split.prefill] and "
         "[split.decode]"},
        // What a phase's own keys make impossible is refused like that of any pool, at the phase's line (D1, D3).
        {text(half + "prefill = { parallel = { tensor = 3 } }\n"),
         "s.toml:7: pool.parallel.tensor = 3: expected a divisor of the 64 query heads of Qwen3-235B-A22B"},
        {text(half + "decode = { parallel = { expert = 8 } }\n"),
         "s.toml:7: pool.parallel.expert = 8: expected 1 or a divisor of tensor x data = 4"},
        {text(half + "decode = { parallel = { tensor = 0 } }\n"),
         "s.toml:7: pool.parallel.tensor = 0: expected an integer from 1 to 4096"},
        {text(half + "decode = { kv = { dtype = 'fp8' } }\n"),
         "s.toml:8: pool = kv.dtype differs: expected one kv.dtype in both pools: the KV cache moves from \"prefill\" "
         "to \"decode\""},
    };
    catalog_test::expect_messages(cases);
}

}  // namespace
}  // namespace replayd
