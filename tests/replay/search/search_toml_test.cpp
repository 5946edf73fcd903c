// Searches as text: what is read, and the exact message for what is wrong.

#include "replay/search/search_toml.hpp"

#include <gtest/gtest.h>

namespace replayd::search {
namespace {

constexpr const char* k_text = R"(base = "a-cluster"
gpus_max = 64
load = 2.5
[objective]
ttft_p99_ms = 2000
tpot_p99_ms = 50.5
attainment = 0.99
[price]
"H100-SXM" = 2.5
[[axis]]
key = "prefill.replicas"
values = [1, 2, 4]
[[axis]]
key = "decode.replicas"
from = 2
to = 9
step = 3
rising = true
[[axis]]
name = "wire"
settings = [["transfer.nics=8"], ["transfer.nics=4", "kv.dtype=fp8"]]
[[axis]]
key = "kv.memory_fraction"
values = [0.123456789, 1.0]
[method]
kind = "halving"
points = 12
keep_one_of = 4
seed = 9
)";

TEST(SearchToml, reads_every_key) {
    const auto spec = parse_search(k_text, "s.toml");
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_EQ(spec->base, "a-cluster");
    EXPECT_EQ(spec->gpus_max, 64);
    EXPECT_EQ(spec->load_permille, 2'500);
    EXPECT_EQ(spec->objective.ttft_p99.value, 2'000'000'000);
    EXPECT_EQ(spec->objective.tpot_p99.value, 50'500'000);
    EXPECT_DOUBLE_EQ(spec->objective.attainment, 0.99);
    EXPECT_DOUBLE_EQ(spec->prices.at("H100-SXM"), 2.5);
    ASSERT_EQ(spec->axes.size(), 4U);
    EXPECT_EQ(spec->axes[0].alternatives,
              (std::vector<Settings>{{"prefill.replicas=1"}, {"prefill.replicas=2"}, {"prefill.replicas=4"}}));
    EXPECT_EQ(spec->axes[1].alternatives,
              (std::vector<Settings>{{"decode.replicas=2"}, {"decode.replicas=5"}, {"decode.replicas=8"}}));
    EXPECT_TRUE(spec->axes[1].rising);
    EXPECT_EQ(spec->axes[2].name, "wire");
    EXPECT_EQ(spec->axes[2].alternatives[1], (Settings{"transfer.nics=4", "kv.dtype=fp8"}));
    EXPECT_EQ(spec->axes[3].alternatives[0], (Settings{"kv.memory_fraction=0.123456789"}));
    EXPECT_EQ(spec->axes[3].alternatives[1], (Settings{"kv.memory_fraction=1.0"}));
    EXPECT_EQ(spec->method.kind, MethodKind::halving);
    EXPECT_EQ(spec->method.points, 12);
    EXPECT_EQ(spec->method.keep_one_of, 4);
    EXPECT_EQ(spec->method.seed, 9U);
}

struct BadSearch {
    const char* name;
    const char* text;
    const char* message;
};

class BadSearches : public testing::TestWithParam<BadSearch> {};

TEST_P(BadSearches, are_refused_with_one_clear_message) {
    const auto spec = parse_search(GetParam().text, "s.toml");
    ASSERT_FALSE(spec);
    EXPECT_EQ(spec.error().message, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Searches, BadSearches,
    testing::Values(
        BadSearch{"no_axis", "base=\"b\"\n[objective]\nttft_p99_ms=1",
                  "s.toml:1: axis is missing: expected one [[axis]] or more, each with the alternatives of one choice"},
        BadSearch{"axis_table", "base=\"b\"\n[objective]\nttft_p99_ms=1\n[axis]\nkey=\"a\"",
                  "s.toml:4: axis = a table: expected [[axis]] with double brackets"},
        BadSearch{"no_limit", "base=\"b\"\n[objective]\n[[axis]]\nkey=\"a\"\nvalues=[1]",
                  "s.toml:2: objective.ttft_p99_ms is missing: expected at least one of ttft_p99_ms, tpot_p99_ms, "
                  "e2e_p99_ms and attainment"},
        BadSearch{"no_values", "base=\"b\"\n[objective]\nttft_p99_ms=1\n[[axis]]\nkey=\"a\"\nvalues=[]",
                  "s.toml:6: axis.values = an array: expected a list of 1 or more values"},
        BadSearch{"nested_values", "base=\"b\"\n[objective]\nttft_p99_ms=1\n[[axis]]\nkey=\"a\"\nvalues=[[1]]",
                  "s.toml:6: axis.values = an array: expected numbers, strings or true and false"},
        BadSearch{"backwards", "base=\"b\"\n[objective]\nttft_p99_ms=1\n[[axis]]\nkey=\"a\"\nfrom=5\nto=4",
                  "s.toml:7: axis.to = 4: expected an integer from 5 to 1000005"},
        BadSearch{
            "not_a_setting", "base=\"b\"\n[objective]\nttft_p99_ms=1\n[[axis]]\nname=\"a\"\nsettings=[[\"x\"]]",
            "s.toml:6: axis.settings = \"x\": expected a list of lists of \"KEY=VALUE\", one for each alternative"},
        BadSearch{"attainment", "base=\"b\"\n[objective]\nattainment=1.5\n[[axis]]\nkey=\"a\"\nvalues=[1]",
                  "s.toml:3: objective.attainment = 1.5: expected a number above 0 and at most 1"},
        BadSearch{"price", "base=\"b\"\n[objective]\nttft_p99_ms=1\n[price]\nX=-1\n[[axis]]\nkey=\"a\"\nvalues=[1]",
                  "s.toml:5: price.X = -1: expected a number above 0 and at most 1e+06"},
        BadSearch{"method",
                  "base=\"b\"\n[objective]\nttft_p99_ms=1\n[[axis]]\nkey=\"a\"\nvalues=[1]\n[method]\nkind=\"gird\"",
                  "s.toml:8: method.kind = \"gird\": expected grid, bisection, halving, cheapest or capacity; did you "
                  "mean \"grid\"?"},
        BadSearch{
            "not_rising",
            "base=\"b\"\n[objective]\nttft_p99_ms=1\n[[axis]]\nkey=\"a\"\nvalues=[1]\n[method]\nkind=\"bisection\"",
            "s.toml:4: axis = 0 rising axes: expected rising = true on exactly one [[axis]], along which method.kind = "
            "\"bisection\" looks for the first alternative that holds"},
        BadSearch{"loads",
                  "base=\"b\"\n[objective]\nttft_p99_ms=1\n[[axis]]\nkey=\"a\"\nvalues=[1]\n"
                  "[method]\nkind=\"capacity\"\nload_min=2\nload_max=1",
                  "s.toml:10: method.load_max = less than load_min: expected a load above it"},
        BadSearch{"points_of_grid",
                  "base=\"b\"\n[objective]\nttft_p99_ms=1\n[[axis]]\nkey=\"a\"\nvalues=[1]\n"
                  "[method]\nkind=\"grid\"\npoints=4",
                  "s.toml:9: method.points: unknown key; expected kind or stop_early"},
        BadSearch{"early_halving",
                  "base=\"b\"\n[objective]\nttft_p99_ms=1\n[[axis]]\nkey=\"a\"\nvalues=[1]\n"
                  "[method]\nkind=\"halving\"\nstop_early=true",
                  "s.toml:9: method.stop_early: unknown key; expected kind, points, keep_one_of or seed"},
        BadSearch{"too_many",
                  "base=\"b\"\n[objective]\nttft_p99_ms=1\n[[axis]]\nkey=\"a\"\nfrom=1\nto=2000\n"
                  "[[axis]]\nkey=\"b\"\nfrom=1\nto=2000",
                  "s.toml:4: axis = 4000000 candidates: expected at most 1000000 over all axes together: fewer values, "
                  "or a larger step"}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace replayd::search
